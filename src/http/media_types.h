// media_types.h: Content-Type by file name extension.
#pragma once

#include <string_view>

namespace hawser::http {

// The media type of a file of that name, text types with their charset;
// "application/octet-stream" if the extension says nothing. Case does not matter.
std::string_view media_type_of(std::string_view file_name);

}  // namespace hawser::http
