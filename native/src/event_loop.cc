#include "event_loop.h"

#include <chrono>
#include <mutex>
#include <thread>

#include "error.h"
#include "threads.h"

namespace secovia {
namespace {

// The loop wakes at least this often, so that it never sleeps for good over a wake-up that was missed.
constexpr int kHeartbeatMs = 1000;

void Ignore(void*, virErrorPtr) {}
void Heartbeat(int, void*) {}

void RunForEver() {
  BlockSignals();
  pthread_setname_np(pthread_self(), "virt-events");
  for (;;) {
    if (virEventRunDefaultImpl() < 0) std::this_thread::sleep_for(std::chrono::milliseconds(kHeartbeatMs));
  }
}

}  // namespace

void EnsureEventLoop() {
  static std::once_flag once;
  std::call_once(once, [] {
    Check(virInitialize());
    // libvirt prints errors to stderr unless somebody else takes them; ours travel as Failures.
    virSetErrorFunc(nullptr, Ignore);
    Check(virEventRegisterDefaultImpl());
    Check(virEventAddTimeout(kHeartbeatMs, Heartbeat, nullptr, nullptr));
    std::thread(RunForEver).detach();
  });
}

}  // namespace secovia
