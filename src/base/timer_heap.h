// timer_heap.h: deadlines of many objects, each of which stands in the heap at most once.
// Intrusive: setting, moving and removing a deadline allocates only when the heap's array
// grows past its largest size so far.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/check.h"
#include "base/time.h"

namespace hawser {

// Inherit or embed; the heap keeps the position up to date. Must not move while set.
struct TimerNode {
  Timestamp deadline = kNever;
  std::uint32_t position = kNoPosition;
  static constexpr std::uint32_t kNoPosition = UINT32_MAX;

  [[nodiscard]] bool is_set() const { return position != kNoPosition; }
};

// A four-ary heap: half as deep as a binary one, and a node's children share a cache line.
class TimerHeap {
 public:
  [[nodiscard]] bool empty() const { return nodes_.empty(); }
  [[nodiscard]] std::size_t size() const { return nodes_.size(); }
  // The earliest deadline; kNever when empty.
  [[nodiscard]] Timestamp next() const { return nodes_.empty() ? kNever : nodes_.front()->deadline; }
  [[nodiscard]] TimerNode* front() const { return nodes_.front(); }

  // Sets or moves; kNever removes.
  void set(TimerNode& node, Timestamp deadline) {
    if (deadline == kNever) {
      remove(node);
      return;
    }
    if (!node.is_set()) {
      node.deadline = deadline;
      node.position = static_cast<std::uint32_t>(nodes_.size());
      nodes_.push_back(&node);
      sift_up(node.position);
      return;
    }
    const Timestamp before = node.deadline;
    node.deadline = deadline;
    if (deadline < before) {
      sift_up(node.position);
    } else if (deadline > before) {
      sift_down(node.position);
    }
  }

  void remove(TimerNode& node) {
    if (!node.is_set()) return;
    const std::size_t hole = node.position;
    node.position = TimerNode::kNoPosition;
    node.deadline = kNever;
    TimerNode* last = nodes_.back();
    nodes_.pop_back();
    if (last == &node) return;
    place(*last, hole);
    sift_up(hole);
    sift_down(last->position);
  }

 private:
  static constexpr std::size_t kArity = 4;

  void place(TimerNode& node, std::size_t position) {
    nodes_[position] = &node;
    node.position = static_cast<std::uint32_t>(position);
  }

  void sift_up(std::size_t position) {
    TimerNode* node = nodes_[position];
    while (position > 0) {
      const std::size_t parent = (position - 1) / kArity;
      if (nodes_[parent]->deadline <= node->deadline) break;
      place(*nodes_[parent], position);
      position = parent;
    }
    place(*node, position);
  }

  void sift_down(std::size_t position) {
    TimerNode* node = nodes_[position];
    for (;;) {
      const std::size_t first = position * kArity + 1;
      if (first >= nodes_.size()) break;
      const std::size_t end = first + kArity < nodes_.size() ? first + kArity : nodes_.size();
      std::size_t smallest = first;
      for (std::size_t child = first + 1; child < end; ++child)
        if (nodes_[child]->deadline < nodes_[smallest]->deadline) smallest = child;
      if (node->deadline <= nodes_[smallest]->deadline) break;
      place(*nodes_[smallest], position);
      position = smallest;
    }
    place(*node, position);
  }

  std::vector<TimerNode*> nodes_;
};

}  // namespace hawser
