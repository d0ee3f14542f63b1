// libvirt's typed parameters, from and to plain data.
#pragma once

#include <libvirt/libvirt.h>

#include <string>
#include <utility>
#include <vector>

#include "args.h"
#include "value.h"

namespace secovia {

// Copies; the parameters stay the caller's.
Record FromTypedParams(virTypedParameterPtr params, int count);

// A list of parameters for a call, freed with this object.
class TypedParams {
 public:
  TypedParams() = default;
  TypedParams(const TypedParams&) = delete;
  TypedParams& operator=(const TypedParams&) = delete;
  ~TypedParams() { virTypedParamsFree(params_, count_); }

  // `type` is a virTypedParameterType. The value must be representable in it: see `Fits`.
  void Add(const std::string& name, int type, const Given& value);

  virTypedParameterPtr get() const { return params_; }
  int count() const { return count_; }

 private:
  virTypedParameterPtr params_ = nullptr;
  int count_ = 0;
  int capacity_ = 0;
};

// The type that a value has when libvirt has declared none for its name.
int NaturalType(const Given& value);
// Whether `Add` can send the value as that type without changing it.
bool Fits(int type, const Given& value);

}  // namespace secovia
