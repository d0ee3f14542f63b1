#include "error.h"

#include <utility>

namespace secovia {

Failure Failure::Last() {
  virErrorPtr error = virGetLastError();
  if (error == nullptr || error->code == VIR_ERR_OK) {
    return Own(VIR_ERR_INTERNAL_ERROR, "libvirt failed and did not say why");
  }
  return {error->code, error->domain, static_cast<int>(error->level),
          error->message != nullptr ? error->message : "unknown error"};
}

Failure Failure::Own(int code, std::string message) {
  return {code, VIR_FROM_NONE, VIR_ERR_ERROR, std::move(message)};
}

}  // namespace secovia
