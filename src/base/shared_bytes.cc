// shared_bytes.cc: the owner of a vector.
#include "base/shared_bytes.h"

namespace hawser {
namespace {

class VectorOwner final : public ByteOwner {
 public:
  explicit VectorOwner(std::vector<std::uint8_t> bytes) : bytes_(std::move(bytes)) {}
  [[nodiscard]] Bytes view() const { return bytes_; }

 private:
  std::vector<std::uint8_t> bytes_;
};

}  // namespace

SharedBytes SharedBytes::adopt(std::vector<std::uint8_t> bytes) {
  if (bytes.empty()) return {};
  auto* owner = new VectorOwner(std::move(bytes));
  return {owner->view(), owner};
}

SharedBytes SharedBytes::copy(Bytes bytes) {
  return adopt({bytes.begin(), bytes.end()});
}

}  // namespace hawser
