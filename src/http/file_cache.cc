// file_cache.cc: a small table of files, and which of them are worth it.
#include "http/file_cache.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/flat_map.h"

namespace hawser::http {

std::uint64_t FileCache::hash_of(std::string_view path) const {
  const Bytes octets = as_bytes(path);
  return siphash13(key_, octets.data(), octets.size());
}

FileCache::Entry* FileCache::lookup(std::string_view path) {
  if (entries_.empty()) return nullptr;
  if (entries_[last_].path == path) return &entries_[last_];
  const std::uint64_t hash = hash_of(path);
  for (std::size_t i = hash % kTableSlots; table_[i] != kEmpty; i = (i + 1) % kTableSlots) {
    Entry& entry = entries_[table_[i]];
    if (entry.hash != hash || entry.path != path) continue;
    last_ = table_[i];
    return &entry;
  }
  return nullptr;
}

KeptResponse* FileCache::find(std::string_view path, std::int64_t second, const FileTree& tree) {
  Entry* const entry = lookup(path);
  if (entry == nullptr) return nullptr;
  if (entry->checked_s != second) {
    const auto file = tree.open_file(entry->file_name);
    if (!file || file->directory || file->state != entry->state) {
      erase(static_cast<std::size_t>(entry - entries_.data()));
      return nullptr;
    }
    entry->checked_s = second;
  }
  return entry->response.get();
}

bool FileCache::wants(std::string_view path, std::int64_t second, const OpenedFile& file) {
  if (file.state.size > kKeptFileMax) return false;
  if (asked_.empty()) asked_.resize(kAskedSlots);
  const std::uint64_t hash = hash_of(path);
  Asked& asked = asked_[hash % kAskedSlots];
  if (asked.hash != hash || asked.second != second) asked = {.hash = hash, .second = second, .count = 0};
  // Times in the future say nothing about what may come.
  return ++asked.count > kAskedBefore && second - file.state.modified_s >= kUnchangedFor &&
         second - file.state.changed_s >= kUnchangedFor;
}

KeptResponse* FileCache::keep(std::string_view path, std::int64_t second, const std::string& file_name,
                              const OpenedFile& file, std::unique_ptr<KeptResponse> response) {
  if (entries_.size() == kKeptFilesMax) {
    const auto oldest = std::ranges::min_element(entries_, {}, &Entry::checked_s);
    if (oldest->checked_s >= second - 1) return nullptr;
    erase(static_cast<std::size_t>(oldest - entries_.begin()));
  }
  KeptResponse* const kept = response.get();
  entries_.push_back({.hash = hash_of(path),
                      .path = std::string(path),
                      .file_name = file_name,
                      .state = file.state,
                      .checked_s = second,
                      .response = std::move(response)});
  rebuild_table();
  return kept;
}

void FileCache::erase(std::size_t index) {
  if (index + 1 != entries_.size()) std::swap(entries_[index], entries_.back());
  entries_.pop_back();
  rebuild_table();
}

// Entries come and go a few times a second at most, so there is no need to patch it.
void FileCache::rebuild_table() {
  last_ = 0;
  table_.assign(kTableSlots, kEmpty);
  for (std::size_t n = 0; n < entries_.size(); ++n) {
    std::size_t i = entries_[n].hash % kTableSlots;
    while (table_[i] != kEmpty) i = (i + 1) % kTableSlots;
    table_[i] = static_cast<std::uint16_t>(n);
  }
}

std::size_t FileCache::memory() const {
  std::size_t octets = table_.size() * sizeof(table_[0]) + asked_.size() * sizeof(Asked);
  for (const Entry& entry : entries_)
    octets += sizeof entry + entry.path.size() + entry.file_name.size() + entry.response->memory();
  return octets;
}

}  // namespace hawser::http
