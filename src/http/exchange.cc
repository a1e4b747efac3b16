// exchange.cc: words in one string, and records used again.
#include "http/exchange.h"

#include <utility>

namespace hawser::http {

void Exchange::set_words(const http3::MessageHead& head) {
  const std::array<std::string_view, 4> words{head.method, head.path, head.find("referer").value_or(""),
                                              head.find("user-agent").value_or("")};
  words_.clear();
  for (std::size_t i = 0; i < words.size(); ++i) {
    words_.append(words[i]);
    ends_[i] = words_.size();
  }
}

void Exchange::reset() {
  is_head = false;
  status = 0;
  body_octets = dropped_octets = 0;
  body.reset();
  words_.clear();
  ends_ = {};
}

std::unique_ptr<Exchange> ExchangePool::take() {
  if (spare_.empty()) return std::make_unique<Exchange>();
  auto exchange = std::move(spare_.back());
  spare_.pop_back();
  return exchange;
}

void ExchangePool::put(std::unique_ptr<Exchange> exchange) {
  if (spare_.size() == kSpareMax || exchange->words_capacity() > kSpareWordsMax) return;
  exchange->reset();
  spare_.push_back(std::move(exchange));
}

}  // namespace hawser::http
