#include "mailbox.h"

#include <chrono>
#include <stdexcept>

namespace secovia {
namespace {

// How long one turn may deliver letters before the event loop gets its say.
constexpr std::chrono::milliseconds kTurn{4};

}  // namespace

Mailbox::Mailbox(napi_env env) : env_(env) {
  napi_value name = nullptr;
  napi_value global = nullptr;
  napi_value setImmediate = nullptr;
  napi_value deliver = nullptr;
  if (napi_create_string_utf8(env, "secovia_libvirt", NAPI_AUTO_LENGTH, &name) != napi_ok ||
      napi_get_global(env, &global) != napi_ok ||
      napi_get_named_property(env, global, "setImmediate", &setImmediate) != napi_ok ||
      napi_create_reference(env, setImmediate, 1, &setImmediate_) != napi_ok ||
      napi_create_function(env, "deliver", NAPI_AUTO_LENGTH, Continue, this, &deliver) != napi_ok ||
      napi_create_reference(env, deliver, 1, &continue_) != napi_ok ||
      napi_create_threadsafe_function(env, nullptr, nullptr, name, 0, 1, nullptr, nullptr, this, Wake, &wake_) !=
          napi_ok) {
    throw std::runtime_error("Node gave no way back to its thread");
  }
  napi_unref_threadsafe_function(env, wake_);
}

void Mailbox::Post(Letter letter) {
  std::lock_guard lock(mutex_);
  if (closed_) return;
  letters_.push_back(std::move(letter));
  if (scheduled_) return;
  scheduled_ = napi_call_threadsafe_function(wake_, nullptr, napi_tsfn_nonblocking) == napi_ok;
}

void Mailbox::KeepAlive(bool keep) {
  if (closed_) return;
  if (keep) {
    napi_ref_threadsafe_function(env_, wake_);
  } else {
    napi_unref_threadsafe_function(env_, wake_);
  }
}

void Mailbox::Close() {
  std::deque<Letter> dropped;
  std::lock_guard lock(mutex_);
  if (closed_) return;
  closed_ = true;
  letters_.swap(dropped);
  napi_release_threadsafe_function(wake_, napi_tsfn_abort);
  napi_delete_reference(env_, setImmediate_);
  napi_delete_reference(env_, continue_);
}

void Mailbox::Wake(napi_env env, napi_value, void* context, void*) {
  // Without an environment Node only empties its queue at the end.
  if (env != nullptr) static_cast<Mailbox*>(context)->Deliver();
}

napi_value Mailbox::Continue(napi_env env, napi_callback_info info) {
  void* self = nullptr;
  if (napi_get_cb_info(env, info, nullptr, nullptr, nullptr, &self) == napi_ok) static_cast<Mailbox*>(self)->Deliver();
  return nullptr;
}

// Waking through the thread-safe function again would not do: Node goes on with its queue a thousand times before
// the event loop comes round.
bool Mailbox::DeliverLater() {
  napi_value global = nullptr;
  napi_value setImmediate = nullptr;
  napi_value deliver = nullptr;
  return napi_get_global(env_, &global) == napi_ok &&
         napi_get_reference_value(env_, setImmediate_, &setImmediate) == napi_ok &&
         napi_get_reference_value(env_, continue_, &deliver) == napi_ok &&
         napi_call_function(env_, global, setImmediate, 1, &deliver, nullptr) == napi_ok;
}

void Mailbox::Deliver() {
  const auto end = std::chrono::steady_clock::now() + kTurn;
  for (;;) {
    Letter letter;
    {
      std::lock_guard lock(mutex_);
      scheduled_ = false;
      if (closed_ || letters_.empty()) return;
      if (std::chrono::steady_clock::now() >= end) {
        scheduled_ = DeliverLater();
        return;
      }
      scheduled_ = true;
      letter = std::move(letters_.front());
      letters_.pop_front();
    }
    napi_handle_scope scope = nullptr;
    if (napi_open_handle_scope(env_, &scope) != napi_ok) return;
    letter(env_);
    napi_close_handle_scope(env_, scope);
  }
}

}  // namespace secovia
