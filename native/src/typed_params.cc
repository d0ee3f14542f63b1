#include "typed_params.h"

#include <cmath>
#include <limits>

#include "error.h"

namespace secovia {
namespace {

constexpr double kMaxSafeInteger = 9007199254740991;

Value FromTypedParam(const virTypedParameter& param) {
  switch (param.type) {
    case VIR_TYPED_PARAM_INT:
      return param.value.i;
    case VIR_TYPED_PARAM_UINT:
      return param.value.ui;
    case VIR_TYPED_PARAM_LLONG:
      return param.value.l;
    case VIR_TYPED_PARAM_ULLONG:
      return param.value.ul;
    case VIR_TYPED_PARAM_DOUBLE:
      return param.value.d;
    case VIR_TYPED_PARAM_BOOLEAN:
      return param.value.b != 0;
    case VIR_TYPED_PARAM_STRING:
      return param.value.s;
    default:
      return {};
  }
}

// Integers arrive as double or as bigint.
bool IsIntegerIn(const Given& value, double low, double high) {
  if (const auto* big = std::get_if<uint64_t>(&value)) return static_cast<double>(*big) <= high;
  const auto* number = std::get_if<double>(&value);
  return number != nullptr && std::trunc(*number) == *number && *number >= low && *number <= high;
}

template <typename Integer>
Integer AsInteger(const Given& value) {
  if (const auto* big = std::get_if<uint64_t>(&value)) return static_cast<Integer>(*big);
  return static_cast<Integer>(std::get<double>(value));
}

}  // namespace

Record FromTypedParams(virTypedParameterPtr params, int count) {
  Record record;
  record.reserve(count);
  for (int index = 0; index < count; ++index) record.emplace_back(params[index].field, FromTypedParam(params[index]));
  return record;
}

int NaturalType(const Given& value) {
  if (std::holds_alternative<bool>(value)) return VIR_TYPED_PARAM_BOOLEAN;
  if (std::holds_alternative<uint64_t>(value)) return VIR_TYPED_PARAM_ULLONG;
  if (!std::holds_alternative<double>(value)) return VIR_TYPED_PARAM_STRING;
  if (Fits(VIR_TYPED_PARAM_INT, value)) return VIR_TYPED_PARAM_INT;
  return Fits(VIR_TYPED_PARAM_LLONG, value) ? VIR_TYPED_PARAM_LLONG : VIR_TYPED_PARAM_DOUBLE;
}

bool Fits(int type, const Given& value) {
  switch (type) {
    case VIR_TYPED_PARAM_INT:
      return IsIntegerIn(value, std::numeric_limits<int>::min(), std::numeric_limits<int>::max());
    case VIR_TYPED_PARAM_LLONG:
      return IsIntegerIn(value, -kMaxSafeInteger, kMaxSafeInteger);
    case VIR_TYPED_PARAM_ULLONG:
      return std::holds_alternative<uint64_t>(value) || IsIntegerIn(value, 0, kMaxSafeInteger);
    case VIR_TYPED_PARAM_DOUBLE:
      return std::holds_alternative<double>(value);
    case VIR_TYPED_PARAM_BOOLEAN:
      return std::holds_alternative<bool>(value);
    case VIR_TYPED_PARAM_STRING:
      return std::holds_alternative<std::string>(value) || std::holds_alternative<std::vector<std::string>>(value);
    default:
      return false;
  }
}

void TypedParams::Add(const std::string& name, int type, const Given& value) {
  const char* field = name.c_str();
  switch (type) {
    case VIR_TYPED_PARAM_INT:
      Check(virTypedParamsAddInt(&params_, &count_, &capacity_, field, AsInteger<int>(value)));
      return;
    case VIR_TYPED_PARAM_LLONG:
      Check(virTypedParamsAddLLong(&params_, &count_, &capacity_, field, AsInteger<long long>(value)));
      return;
    case VIR_TYPED_PARAM_ULLONG:
      Check(virTypedParamsAddULLong(&params_, &count_, &capacity_, field, AsInteger<unsigned long long>(value)));
      return;
    case VIR_TYPED_PARAM_DOUBLE:
      Check(virTypedParamsAddDouble(&params_, &count_, &capacity_, field, std::get<double>(value)));
      return;
    case VIR_TYPED_PARAM_BOOLEAN:
      Check(virTypedParamsAddBoolean(&params_, &count_, &capacity_, field, std::get<bool>(value)));
      return;
    default:
      break;
  }
  if (const auto* text = std::get_if<std::string>(&value)) {
    Check(virTypedParamsAddString(&params_, &count_, &capacity_, field, text->c_str()));
    return;
  }
  // A list is one parameter of that name for each of its strings.
  for (const std::string& text : std::get<std::vector<std::string>>(value)) {
    Check(virTypedParamsAddString(&params_, &count_, &capacity_, field, text.c_str()));
  }
}

}  // namespace secovia
