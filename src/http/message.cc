// message.cc: status codes in words, and the pages that carry them.
#include "http/message.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace hawser::http {
namespace {

struct StatusName {
  std::uint16_t status;
  std::string_view name;
};

// RFC 9110 section 15, those that servers of files send; sorted.
constexpr std::array kStatusNames{
    StatusName{200, "OK"},
    StatusName{204, "No Content"},
    StatusName{206, "Partial Content"},
    StatusName{301, "Moved Permanently"},
    StatusName{302, "Found"},
    StatusName{303, "See Other"},
    StatusName{304, "Not Modified"},
    StatusName{307, "Temporary Redirect"},
    StatusName{308, "Permanent Redirect"},
    StatusName{400, "Bad Request"},
    StatusName{401, "Unauthorized"},
    StatusName{403, "Forbidden"},
    StatusName{404, "Not Found"},
    StatusName{405, "Method Not Allowed"},
    StatusName{408, "Request Timeout"},
    StatusName{412, "Precondition Failed"},
    StatusName{413, "Content Too Large"},
    StatusName{414, "URI Too Long"},
    StatusName{416, "Range Not Satisfiable"},
    StatusName{421, "Misdirected Request"},
    StatusName{425, "Too Early"},
    StatusName{429, "Too Many Requests"},
    StatusName{431, "Request Header Fields Too Large"},
    StatusName{500, "Internal Server Error"},
    StatusName{501, "Not Implemented"},
    StatusName{502, "Bad Gateway"},
    StatusName{503, "Service Unavailable"},
    StatusName{504, "Gateway Timeout"},
};

}  // namespace

std::string_view reason_phrase(std::uint16_t status) {
  const auto found = std::ranges::find(kStatusNames, status, &StatusName::status);
  return found == kStatusNames.end() ? "Unknown" : found->name;
}

Response error_page(std::uint16_t status, std::string_view detail) {
  std::string page =
      fmt::format("<!doctype html><title>{0} {1}</title><h1>{0} {1}</h1>\n", status, reason_phrase(status));
  if (!detail.empty()) page += fmt::format("<p>{}</p>\n", detail);
  Response response{
      .status = status,
      .fields = {{"content-type", "text/html; charset=utf-8"}, {"content-length", std::to_string(page.size())}},
      .body = nullptr};
  response.body = std::make_unique<MemoryBody>(SharedBytes::adopt({page.begin(), page.end()}));
  return response;
}

}  // namespace hawser::http
