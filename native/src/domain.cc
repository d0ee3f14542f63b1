// The life of domains: finding, defining, starting, stopping, undefining them, and what state they are in.

#include "domain.h"

#include "operations.h"

namespace secovia {

Record DescribeDomain(virDomainPtr domain) {
  char uuid[VIR_UUID_STRING_BUFLEN] = "";
  Check(virDomainGetUUIDString(domain, uuid));
  // (unsigned)-1 is libvirt's word for "not active".
  const int id = static_cast<int>(virDomainGetID(domain));
  return {{"name", Need(virDomainGetName(domain))}, {"uuid", uuid}, {"id", id}};
}

namespace {

// The many operations that take a domain and some bits, and give nothing back.
Call Act(std::string uuid, int (*act)(virDomainPtr)) {
  return {[uuid = std::move(uuid), act](Connection& connection) -> Value {
    Check(act(FindDomain(connection, uuid).get()));
    return {};
  }};
}

Call Act(std::string uuid, int (*act)(virDomainPtr, unsigned), unsigned flags) {
  return {[uuid = std::move(uuid), act, flags](Connection& connection) -> Value {
    Check(act(FindDomain(connection, uuid).get(), flags));
    return {};
  }};
}

Call DomainList(Args& args) {
  const auto active = args.Object("query", {"active"}).Bool("active");
  const unsigned flags = !active ? 0 : *active ? VIR_CONNECT_LIST_DOMAINS_ACTIVE : VIR_CONNECT_LIST_DOMAINS_INACTIVE;
  return {[flags](Connection& connection) -> Value {
    List list;
    for (const Domain& domain : TakeList<Domain, virDomain>([&](virDomainPtr** domains) {
           return virConnectListAllDomains(connection.handle(), domains, flags);
         })) {
      list.emplace_back(DescribeDomain(domain.get()));
    }
    return list;
  }};
}

Call DomainLookup(Args& args) {
  return {[uuid = args.Text("uuid")](Connection& connection) -> Value {
    return DescribeDomain(FindDomain(connection, uuid).get());
  }};
}

Call DomainDefine(Args& args) {
  const std::string xml = args.Text("xml");
  const bool validate = args.Object("flags", {"validate"}).Bool("validate").value_or(true);
  return {[xml, flags = unsigned(validate ? VIR_DOMAIN_DEFINE_VALIDATE : 0)](Connection& connection) -> Value {
    const Domain domain(Need(virDomainDefineXMLFlags(connection.handle(), xml.c_str(), flags)));
    return DescribeDomain(domain.get());
  }};
}

Call DomainCreate(Args& args) {
  std::string uuid = args.Text("uuid");
  const unsigned flags =
      args.Flags("flags", {{"paused", VIR_DOMAIN_START_PAUSED}, {"forceBoot", VIR_DOMAIN_START_FORCE_BOOT}});
  return Act(std::move(uuid), virDomainCreateWithFlags, flags);
}

Call DomainShutdown(Args& args) {
  std::string uuid = args.Text("uuid");
  const unsigned flags = args.Word("mode", {{"default", VIR_DOMAIN_SHUTDOWN_DEFAULT},
                                            {"acpi", VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN},
                                            {"agent", VIR_DOMAIN_SHUTDOWN_GUEST_AGENT}});
  return Act(std::move(uuid), virDomainShutdownFlags, flags);
}

Call DomainReboot(Args& args) {
  std::string uuid = args.Text("uuid");
  const unsigned flags = args.Word("mode", {{"default", VIR_DOMAIN_REBOOT_DEFAULT},
                                            {"acpi", VIR_DOMAIN_REBOOT_ACPI_POWER_BTN},
                                            {"agent", VIR_DOMAIN_REBOOT_GUEST_AGENT}});
  return Act(std::move(uuid), virDomainReboot, flags);
}

Call DomainReset(Args& args) { return Act(args.Text("uuid"), virDomainReset, 0); }

Call DomainDestroy(Args& args) {
  std::string uuid = args.Text("uuid");
  const unsigned flags = args.Flags("flags", {{"graceful", VIR_DOMAIN_DESTROY_GRACEFUL}});
  return Act(std::move(uuid), virDomainDestroyFlags, flags);
}

Call DomainSuspend(Args& args) { return Act(args.Text("uuid"), virDomainSuspend); }

Call DomainResume(Args& args) { return Act(args.Text("uuid"), virDomainResume); }

Call DomainManagedSave(Args& args) { return Act(args.Text("uuid"), virDomainManagedSave, 0); }

Call DomainUndefine(Args& args) {
  std::string uuid = args.Text("uuid");
  const unsigned flags = args.Flags("flags", {{"nvram", VIR_DOMAIN_UNDEFINE_NVRAM},
                                              {"managedSave", VIR_DOMAIN_UNDEFINE_MANAGED_SAVE},
                                              {"snapshotsMetadata", VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA},
                                              {"keepNvram", VIR_DOMAIN_UNDEFINE_KEEP_NVRAM}});
  return Act(std::move(uuid), virDomainUndefineFlags, flags);
}

Call DomainState(Args& args) {
  return {[uuid = args.Text("uuid")](Connection& connection) -> Value {
    int state = 0;
    int reason = 0;
    Check(virDomainGetState(FindDomain(connection, uuid).get(), &state, &reason, 0));
    return Record{{"state", state}, {"reason", reason}};
  }};
}

Call DomainInfo(Args& args) {
  return {[uuid = args.Text("uuid")](Connection& connection) -> Value {
    const Domain domain = FindDomain(connection, uuid);
    int state = 0;
    int reason = 0;
    Check(virDomainGetState(domain.get(), &state, &reason, 0));
    virDomainInfo info;
    Check(virDomainGetInfo(domain.get(), &info));
    const bool persistent = Check(virDomainIsPersistent(domain.get())) == 1;
    int autostart = 0;
    // A transient domain has neither; libvirt calls the question an error there.
    if (persistent) Check(virDomainGetAutostart(domain.get(), &autostart));
    const bool saved = persistent && Check(virDomainHasManagedSaveImage(domain.get(), 0)) == 1;
    return Record{{"state", state},
                  {"reason", reason},
                  {"maxMemoryKib", info.maxMem},
                  {"memoryKib", info.memory},
                  {"vcpus", static_cast<unsigned>(info.nrVirtCpu)},
                  {"cpuTimeNs", info.cpuTime},
                  {"persistent", persistent},
                  {"autostart", autostart != 0},
                  {"hasManagedSave", saved}};
  }};
}

Call DomainSetAutostart(Args& args) {
  std::string uuid = args.Text("uuid");
  return {[uuid = std::move(uuid), on = args.Bool("on")](Connection& connection) -> Value {
    Check(virDomainSetAutostart(FindDomain(connection, uuid).get(), on ? 1 : 0));
    return {};
  }};
}

}  // namespace

const std::vector<Operation> kDomainOperations = {
    {"domainList", DomainList},
    {"domainLookup", DomainLookup},
    {"domainDefine", DomainDefine},
    {"domainCreate", DomainCreate},
    {"domainShutdown", DomainShutdown},
    {"domainReboot", DomainReboot},
    {"domainReset", DomainReset},
    {"domainDestroy", DomainDestroy},
    {"domainSuspend", DomainSuspend},
    {"domainResume", DomainResume},
    {"domainManagedSave", DomainManagedSave},
    {"domainUndefine", DomainUndefine},
    {"domainState", DomainState},
    {"domainInfo", DomainInfo},
    {"domainSetAutostart", DomainSetAutostart},
};

}  // namespace secovia
