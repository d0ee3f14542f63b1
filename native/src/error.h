// What went wrong in libvirt, as plain data that can travel to the JavaScript thread.
// libvirt keeps its last error per thread and forgets it in the very next clean-up call, so a Failure is made
// on the thread that called, at the moment of the failure and before any handle is released.
#pragma once

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include <string>

namespace secovia {

// Same number as DEADLINE_CODE in errors.ts. libvirt's own codes are positive.
inline constexpr int kDeadlineCode = -1;

struct Failure {
  int code;
  int domain;
  int level;
  std::string message;

  // The calling thread's last libvirt error.
  static Failure Last();
  // An error of this addon itself, told with the libvirt code that fits best.
  static Failure Own(int code, std::string message);
};

// Throws the last error when a libvirt function reports failure in the way of most of them: below zero.
inline int Check(int result) {
  if (result < 0) throw Failure::Last();
  return result;
}

// The same for functions that return a pointer.
template <typename T>
T* Need(T* pointer) {
  if (pointer == nullptr) throw Failure::Last();
  return pointer;
}

}  // namespace secovia
