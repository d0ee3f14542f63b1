// The machine's watchdog, petted by a thread that JavaScript cannot hold up.
#pragma once

#include <napi.h>

namespace secovia {

void ExportWatchdog(Napi::Env env, Napi::Object exports);

}  // namespace secovia
