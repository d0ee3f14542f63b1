// Moving a domain to another host, and watching or stopping the job that does it.

#include <algorithm>

#include "domain.h"
#include "operations.h"
#include "typed_params.h"

namespace secovia {
namespace {

// A migration takes as long as the guest's memory and the wire want.
constexpr std::chrono::hours kMigrationDeadline{1};

struct Declared {
  const char* name;
  int type;
};

// The types that libvirt has declared. It refuses a parameter that comes with another one.
const Declared kDeclared[] = {
    {VIR_MIGRATE_PARAM_URI, VIR_TYPED_PARAM_STRING},
    {VIR_MIGRATE_PARAM_DEST_NAME, VIR_TYPED_PARAM_STRING},
    {VIR_MIGRATE_PARAM_DEST_XML, VIR_TYPED_PARAM_STRING},
    {VIR_MIGRATE_PARAM_PERSIST_XML, VIR_TYPED_PARAM_STRING},
    {VIR_MIGRATE_PARAM_BANDWIDTH, VIR_TYPED_PARAM_ULLONG},
    {VIR_MIGRATE_PARAM_BANDWIDTH_POSTCOPY, VIR_TYPED_PARAM_ULLONG},
    {VIR_MIGRATE_PARAM_GRAPHICS_URI, VIR_TYPED_PARAM_STRING},
    {VIR_MIGRATE_PARAM_LISTEN_ADDRESS, VIR_TYPED_PARAM_STRING},
    {VIR_MIGRATE_PARAM_MIGRATE_DISKS, VIR_TYPED_PARAM_STRING},
    {VIR_MIGRATE_PARAM_DISKS_PORT, VIR_TYPED_PARAM_INT},
    {VIR_MIGRATE_PARAM_DISKS_URI, VIR_TYPED_PARAM_STRING},
    {VIR_MIGRATE_PARAM_COMPRESSION, VIR_TYPED_PARAM_STRING},
    {VIR_MIGRATE_PARAM_COMPRESSION_MT_LEVEL, VIR_TYPED_PARAM_INT},
    {VIR_MIGRATE_PARAM_COMPRESSION_MT_THREADS, VIR_TYPED_PARAM_INT},
    {VIR_MIGRATE_PARAM_COMPRESSION_MT_DTHREADS, VIR_TYPED_PARAM_INT},
    {VIR_MIGRATE_PARAM_COMPRESSION_XBZRLE_CACHE, VIR_TYPED_PARAM_ULLONG},
    {VIR_MIGRATE_PARAM_AUTO_CONVERGE_INITIAL, VIR_TYPED_PARAM_INT},
    {VIR_MIGRATE_PARAM_AUTO_CONVERGE_INCREMENT, VIR_TYPED_PARAM_INT},
    {VIR_MIGRATE_PARAM_PARALLEL_CONNECTIONS, VIR_TYPED_PARAM_INT},
    {VIR_MIGRATE_PARAM_TLS_DESTINATION, VIR_TYPED_PARAM_STRING},
};

struct Parameter {
  std::string name;
  int type;
  Given value;
};

const char* Describe(int type) {
  switch (type) {
    case VIR_TYPED_PARAM_INT:
      return "a 32-bit integer";
    case VIR_TYPED_PARAM_ULLONG:
      return "an integer of at least 0, or a bigint";
    default:
      return "a string";
  }
}

// A name that libvirt came to know later goes out with the type of its value; libvirt is the judge of it.
std::vector<Parameter> Typed(Args& args) {
  std::vector<Parameter> parameters;
  for (auto& [name, value] : args.Parameters("parameters")) {
    const auto declared = std::find_if(std::begin(kDeclared), std::end(kDeclared),
                                       [&name = name](const Declared& each) { return name == each.name; });
    const int type = declared != std::end(kDeclared) ? declared->type : NaturalType(value);
    if (!Fits(type, value)) throw Napi::TypeError::New(args.Env(), "parameters." + name + " must be " + Describe(type));
    parameters.push_back({name, type, std::move(value)});
  }
  return parameters;
}

Call DomainMigrate(Args& args) {
  std::string uuid = args.Text("uuid");
  std::string destination = args.Text("destinationUri");
  const uint32_t flags = args.UInt("flags");
  return {[uuid, destination, flags, parameters = Typed(args)](Connection& connection) -> Value {
    TypedParams params;
    for (const Parameter& parameter : parameters) params.Add(parameter.name, parameter.type, parameter.value);
    Check(virDomainMigrateToURI3(FindDomain(connection, uuid).get(), destination.c_str(), params.get(),
                                 params.count(), flags));
    return {};
  }};
}

Call DomainJobStats(Args& args) {
  std::string uuid = args.Text("uuid");
  const unsigned flags = args.Flags("flags", {{"completed", VIR_DOMAIN_JOB_STATS_COMPLETED}});
  return {[uuid, flags](Connection& connection) -> Value {
    int type = 0;
    int count = 0;
    virTypedParameterPtr params = nullptr;
    Check(virDomainGetJobStats(FindDomain(connection, uuid).get(), &type, &params, &count, flags));
    Record values = FromTypedParams(params, count);
    virTypedParamsFree(params, count);
    return Record{{"type", type}, {"values", std::move(values)}};
  }};
}

Call DomainAbortJob(Args& args) {
  return {[uuid = args.Text("uuid")](Connection& connection) -> Value {
    Check(virDomainAbortJob(FindDomain(connection, uuid).get()));
    return {};
  }};
}

}  // namespace

const std::vector<Operation> kMigrationOperations = {
    {"domainMigrate", DomainMigrate, kMigrationDeadline},
    {"domainJobStats", DomainJobStats},
    {"domainAbortJob", DomainAbortJob},
};

}  // namespace secovia
