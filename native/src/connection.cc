#include "connection.h"

#include "event_loop.h"
#include "events.h"

namespace secovia {
namespace {

// Called by libvirt on whichever thread notices the loss. The connection outlives its registration.
void OnLoss(virConnectPtr, int reason, void* opaque) {
  const auto* connection = static_cast<Connection*>(opaque);
  connection->instance().Tell("closed", connection->id(), reason);
}

}  // namespace

Connection::Connection(std::shared_ptr<Instance> instance, uint32_t id, std::string uri)
    : instance_(std::move(instance)),
      id_(id),
      uri_(std::move(uri)),
      pool_(std::make_shared<Pool>(instance_->deadlines, instance_->threads,
                                   [instance = instance_](std::shared_ptr<Task> task) {
                                     instance->Answer(std::move(task));
                                   })) {}

void Connection::Open(const OpenOptions& options) {
  EnsureEventLoop();
  handle_ = Need(options.readOnly ? virConnectOpenReadOnly(uri_.c_str()) : virConnectOpen(uri_.c_str()));
  if (options.keepaliveIntervalS > 0) {
    const int kept = virConnectSetKeepAlive(handle_, static_cast<int>(options.keepaliveIntervalS),
                                            options.keepaliveCount);
    if (kept < 0) {
      // Drivers that live in this process have nobody to probe.
      const Failure failure = Failure::Last();
      if (failure.code != VIR_ERR_NO_SUPPORT) throw failure;
    }
  }
  // No function that frees the connection: drivers without this callback accept it and never free it.
  if (virConnectRegisterCloseCallback(handle_, OnLoss, this, nullptr) < 0) {
    const Failure failure = Failure::Last();
    if (failure.code != VIR_ERR_NO_SUPPORT) throw failure;
  }
}

void Connection::Close(std::shared_ptr<Task> task) {
  pool_->Close(Failure::Own(VIR_ERR_INVALID_CONN, "the connection to " + uri_ + " is closed"),
               [self = shared_from_this()] { self->Release(); }, std::move(task));
}

void Connection::Subscribe() {
  std::lock_guard lock(subscribing_);
  if (subscribers_ == 0) subscription_ = Register(*this);
  ++subscribers_;
}

void Connection::Unsubscribe() {
  std::lock_guard lock(subscribing_);
  if (subscribers_ == 0 || --subscribers_ > 0) return;
  Deregister(handle_, *subscription_);
  subscription_.reset();
}

// Runs when no other thread uses the handle any more.
void Connection::Release() {
  if (handle_ == nullptr) return;
  if (subscription_) Deregister(handle_, *subscription_);
  virConnectUnregisterCloseCallback(handle_, OnLoss);
  const int references = virConnectClose(handle_);
  if (references > 0) instance_->unreleased += references;
  handle_ = nullptr;
}

}  // namespace secovia
