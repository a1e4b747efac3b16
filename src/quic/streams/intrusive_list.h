// intrusive_list.h: a doubly linked list whose links stand in its members, so that putting
// a stream on a queue allocates nothing and taking it off is constant time.
#pragma once

#include "base/check.h"

namespace hawser::quic {

template <class T>
struct ListLink {
  T* previous = nullptr;
  T* next = nullptr;
  bool linked = false;
};

// `link` names the member that this list uses; a T is on at most one list per link.
template <class T, ListLink<T> T::* link>
class IntrusiveList {
 public:
  [[nodiscard]] bool empty() const { return first_ == nullptr; }
  [[nodiscard]] T* front() const { return first_; }
  [[nodiscard]] T* back() const { return last_; }
  [[nodiscard]] static bool linked(const T& item) { return (item.*link).linked; }
  [[nodiscard]] static T* before(const T& item) { return (item.*link).previous; }

  void push_back(T& item) { insert_after(last_, item); }

  // Puts `item` behind `position`, or first if that is nullptr.
  void insert_after(T* position, T& item) {
    ListLink<T>& own = item.*link;
    HAWSER_DCHECK(!own.linked);
    own.linked = true;
    own.previous = position;
    own.next = position == nullptr ? first_ : (position->*link).next;
    if (own.previous == nullptr)
      first_ = &item;
    else
      (own.previous->*link).next = &item;
    if (own.next == nullptr)
      last_ = &item;
    else
      (own.next->*link).previous = &item;
  }

  // Does nothing to an item that is on no list.
  void remove(T& item) {
    ListLink<T>& own = item.*link;
    if (!own.linked) return;
    if (own.previous == nullptr)
      first_ = own.next;
    else
      (own.previous->*link).next = own.next;
    if (own.next == nullptr)
      last_ = own.previous;
    else
      (own.next->*link).previous = own.previous;
    own = {};
  }

  T* pop_front() {
    T* item = first_;
    if (item != nullptr) remove(*item);
    return item;
  }

 private:
  T* first_ = nullptr;
  T* last_ = nullptr;
};

}  // namespace hawser::quic
