// bpf.cc: fills the kernel's bpf_attr and turns its refusals into sentences.
#include "net/bpf.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace hawser::net {
namespace {

// Enough for the verifier's last words on a program of some dozen instructions.
constexpr std::size_t kVerifierLogSize = 64 * 1024;
constexpr std::size_t kVerifierLogShown = 1'000;

int bpf(bpf_cmd command, bpf_attr& attributes) {
  return static_cast<int>(::syscall(SYS_bpf, command, &attributes, sizeof attributes));
}

std::uint64_t address_of(const void* memory) {
  return reinterpret_cast<std::uintptr_t>(memory);
}

void copy_name(char (&to)[BPF_OBJ_NAME_LEN], std::string_view name) {
  std::copy_n(name.data(), std::min<std::size_t>(name.size(), BPF_OBJ_NAME_LEN - 1), to);
}

std::string refusal(std::string_view what, int error) {
  if (error == EPERM) {
    return fmt::format("{}: not permitted; run as root, or give the program CAP_BPF and CAP_NET_ADMIN", what);
  }
  return fmt::format("{}: {}", what, std::strerror(error));
}

// Kernels before 5.11 count maps and programs against the limit of locked memory, and say
// EPERM when it is reached.
void raise_locked_memory() {
  rlimit limit{};
  if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return;
  limit = {.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};
  (void)setrlimit(RLIMIT_MEMLOCK, &limit);
}

// Runs the command, and once more with the limit raised if that may have been the cause.
int create(bpf_cmd command, bpf_attr& attributes) {
  const int fd = bpf(command, attributes);
  if (fd >= 0 || errno != EPERM) return fd;
  raise_locked_memory();
  return bpf(command, attributes);
}

}  // namespace

std::expected<Descriptor, ConfigError> create_bpf_map(const BpfMapOptions& options) {
  bpf_attr attributes{};
  attributes.map_type = options.type;
  attributes.key_size = options.key_size;
  attributes.value_size = options.value_size;
  attributes.max_entries = options.entries;
  copy_name(attributes.map_name, options.name);
  const int fd = create(BPF_MAP_CREATE, attributes);
  if (fd < 0) return std::unexpected(ConfigError{refusal(fmt::format("BPF map {}", options.name), errno)});
  return Descriptor(fd);
}

bool set_bpf_entry_octets(int map_fd, const void* key, const void* value) {
  bpf_attr attributes{};
  attributes.map_fd = static_cast<std::uint32_t>(map_fd);
  attributes.key = address_of(key);
  attributes.value = address_of(value);
  attributes.flags = BPF_ANY;
  return bpf(BPF_MAP_UPDATE_ELEM, attributes) == 0;
}

bool erase_bpf_entry_octets(int map_fd, const void* key) {
  bpf_attr attributes{};
  attributes.map_fd = static_cast<std::uint32_t>(map_fd);
  attributes.key = address_of(key);
  return bpf(BPF_MAP_DELETE_ELEM, attributes) == 0;
}

std::expected<Descriptor, ConfigError> load_bpf_program(bpf_prog_type type, std::span<const bpf_insn> program,
                                                        std::string_view name) {
  bpf_attr attributes{};
  attributes.prog_type = type;
  attributes.insns = address_of(program.data());
  attributes.insn_cnt = static_cast<std::uint32_t>(program.size());
  // Only programs under the GPL or a licence compatible with it may call some functions.
  attributes.license = address_of("Dual BSD/GPL");
  copy_name(attributes.prog_name, name);
  int fd = create(BPF_PROG_LOAD, attributes);
  if (fd >= 0) return Descriptor(fd);

  std::vector<char> log(kVerifierLogSize);
  const int error = errno;
  attributes.log_buf = address_of(log.data());
  attributes.log_size = static_cast<std::uint32_t>(log.size());
  attributes.log_level = 1;
  fd = bpf(BPF_PROG_LOAD, attributes);
  if (fd >= 0) return Descriptor(fd);
  std::string_view said(log.data());
  if (said.size() > kVerifierLogShown) said.remove_prefix(said.size() - kVerifierLogShown);
  return std::unexpected(ConfigError{refusal(fmt::format("BPF program {}", name), error) +
                                     (said.empty() ? std::string() : fmt::format("; the verifier: {}", said))});
}

std::expected<Descriptor, int> attach_xdp_program(int program_fd, std::uint32_t interface_index, std::uint32_t flags) {
  bpf_attr attributes{};
  attributes.link_create.prog_fd = static_cast<std::uint32_t>(program_fd);
  attributes.link_create.target_ifindex = interface_index;
  attributes.link_create.attach_type = BPF_XDP;
  attributes.link_create.flags = flags;
  const int fd = bpf(BPF_LINK_CREATE, attributes);
  if (fd < 0) return std::unexpected(errno);
  return Descriptor(fd);
}

std::expected<std::uint32_t, int> run_bpf_program(int program_fd, Bytes packet) {
  bpf_attr attributes{};
  attributes.test.prog_fd = static_cast<std::uint32_t>(program_fd);
  attributes.test.data_in = address_of(packet.data());
  attributes.test.data_size_in = static_cast<std::uint32_t>(packet.size());
  attributes.test.repeat = 1;
  if (bpf(BPF_PROG_TEST_RUN, attributes) < 0) return std::unexpected(errno);
  return attributes.test.retval;
}

}  // namespace hawser::net
