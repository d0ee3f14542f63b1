#include "value.h"

namespace secovia {
namespace {

constexpr int64_t kMaxSafeInteger = 9007199254740991;

// Uses the plain C interface: its calls fail with a status where the C++ wrapper would throw, and during the
// end of an environment a throw has nowhere to go.
struct Converter {
  napi_env env;

  napi_value operator()(std::monostate) const { return Undefined(); }

  napi_value operator()(Null) const {
    napi_value out = nullptr;
    return napi_get_null(env, &out) == napi_ok ? out : nullptr;
  }

  napi_value operator()(bool value) const {
    napi_value out = nullptr;
    return napi_get_boolean(env, value, &out) == napi_ok ? out : Undefined();
  }

  napi_value operator()(int64_t value) const {
    if (value >= -kMaxSafeInteger && value <= kMaxSafeInteger) return (*this)(static_cast<double>(value));
    napi_value out = nullptr;
    return napi_create_bigint_int64(env, value, &out) == napi_ok ? out : Undefined();
  }

  napi_value operator()(uint64_t value) const {
    if (value <= static_cast<uint64_t>(kMaxSafeInteger)) return (*this)(static_cast<double>(value));
    napi_value out = nullptr;
    return napi_create_bigint_uint64(env, value, &out) == napi_ok ? out : Undefined();
  }

  napi_value operator()(double value) const {
    napi_value out = nullptr;
    return napi_create_double(env, value, &out) == napi_ok ? out : Undefined();
  }

  napi_value operator()(const std::string& value) const {
    napi_value out = nullptr;
    return napi_create_string_utf8(env, value.data(), value.size(), &out) == napi_ok ? out : Undefined();
  }

  napi_value operator()(const List& list) const {
    napi_value out = nullptr;
    if (napi_create_array_with_length(env, list.size(), &out) != napi_ok) return Undefined();
    for (uint32_t index = 0; index < list.size(); ++index) {
      InScope([&] { napi_set_element(env, out, index, ToJs(env, list[index])); });
    }
    return out;
  }

  napi_value operator()(const Record& record) const {
    napi_value out = nullptr;
    if (napi_create_object(env, &out) != napi_ok) return Undefined();
    for (const auto& [key, value] : record) {
      InScope([&] { napi_set_property(env, out, (*this)(key), ToJs(env, value)); });
    }
    return out;
  }

 private:
  napi_value Undefined() const {
    napi_value out = nullptr;
    return napi_get_undefined(env, &out) == napi_ok ? out : nullptr;
  }

  // A scope an element, so that a list of a thousand records does not keep every handle until its end.
  template <typename Body>
  void InScope(Body body) const {
    napi_handle_scope scope = nullptr;
    if (napi_open_handle_scope(env, &scope) != napi_ok) return;
    body();
    napi_close_handle_scope(env, scope);
  }
};

}  // namespace

napi_value ToJs(napi_env env, const Value& value) { return std::visit(Converter{env}, value.data); }

}  // namespace secovia
