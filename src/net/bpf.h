// bpf.h: the bpf(2) system call by its commands: maps, programs and links, each a descriptor
// that takes what it stands for with it when it is closed, also when the process dies.
#pragma once

#include <linux/bpf.h>

#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "net/descriptor.h"

namespace hawser::net {

struct BpfMapOptions {
  bpf_map_type type = BPF_MAP_TYPE_HASH;
  std::uint32_t key_size = 0;
  std::uint32_t value_size = 0;
  std::uint32_t entries = 0;
  std::string_view name;  // as tools show it; 15 characters count
};

// The error says which right or which part of the kernel is missing.
std::expected<Descriptor, ConfigError> create_bpf_map(const BpfMapOptions& options);

// Sizes are those that the map was made with. False: the map is full, or the key is not there.
template <class Key, class Value>
bool set_bpf_entry(int map_fd, const Key& key, const Value& value);
template <class Key>
bool erase_bpf_entry(int map_fd, const Key& key);

// Has the kernel check and compile the program. The error ends with what its verifier said.
std::expected<Descriptor, ConfigError> load_bpf_program(bpf_prog_type type, std::span<const bpf_insn> program,
                                                        std::string_view name);

// Attaches an XDP program to an interface until the descriptor is closed. `flags`: XDP_FLAGS_*
// of linux/if_link.h. The error is the errno.
std::expected<Descriptor, int> attach_xdp_program(int program_fd, std::uint32_t interface_index, std::uint32_t flags);

// Runs a program over one packet and returns what it said; the error is the errno.
std::expected<std::uint32_t, int> run_bpf_program(int program_fd, Bytes packet);

// What the templates above do with the octets of their arguments.
bool set_bpf_entry_octets(int map_fd, const void* key, const void* value);
bool erase_bpf_entry_octets(int map_fd, const void* key);

template <class Key, class Value>
bool set_bpf_entry(int map_fd, const Key& key, const Value& value) {
  return set_bpf_entry_octets(map_fd, &key, &value);
}

template <class Key>
bool erase_bpf_entry(int map_fd, const Key& key) {
  return erase_bpf_entry_octets(map_fd, &key);
}

}  // namespace hawser::net
