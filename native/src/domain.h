// Domains by UUID, which is how callers name them.
#pragma once

#include <string>

#include "connection.h"
#include "handles.h"
#include "value.h"

namespace secovia {

inline Domain FindDomain(Connection& connection, const std::string& uuid) {
  return Domain(Need(virDomainLookupByUUIDString(connection.handle(), uuid.c_str())));
}

// { name, uuid, id }: known to the handle, costs no round trip.
Record DescribeDomain(virDomainPtr domain);

}  // namespace secovia
