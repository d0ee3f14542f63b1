// Owners of what libvirt hands out, so that every early return and every thrown Failure releases it.
#pragma once

#include <libvirt/libvirt.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "error.h"

namespace secovia {

template <auto Release>
struct Releaser {
  template <typename T>
  void operator()(T* pointer) const {
    Release(pointer);
  }
};

using Domain = std::unique_ptr<virDomain, Releaser<virDomainFree>>;
using StoragePool = std::unique_ptr<virStoragePool, Releaser<virStoragePoolFree>>;
using Volume = std::unique_ptr<virStorageVol, Releaser<virStorageVolFree>>;

// Text that libvirt allocated and the caller must free.
inline std::string TakeText(char* text) {
  std::unique_ptr<char, Releaser<std::free>> owner(Need(text));
  return owner.get();
}

// The array of handles that libvirt's "list all" functions allocate.
template <typename Handle, typename Raw, typename ListAll>
std::vector<Handle> TakeList(ListAll listAll) {
  Raw** raw = nullptr;
  const int count = Check(listAll(&raw));
  std::unique_ptr<Raw*, Releaser<std::free>> owner(raw);
  std::vector<Handle> handles;
  handles.reserve(count);
  for (int index = 0; index < count; ++index) handles.emplace_back(raw[index]);
  return handles;
}

}  // namespace secovia
