{
  'targets': [
    {
      'target_name': 'secovia_libvirt',
      'sources': [
        'src/addon.cc',
        'src/args.cc',
        'src/connection.cc',
        'src/deadlines.cc',
        'src/domain.cc',
        'src/domain_config.cc',
        'src/error.cc',
        'src/event_loop.cc',
        'src/events.cc',
        'src/host.cc',
        'src/instance.cc',
        'src/mailbox.cc',
        'src/migration.cc',
        'src/pool.cc',
        'src/storage.cc',
        'src/typed_params.cc',
        'src/value.cc',
        'src/watchdog.cc',
      ],
      'include_dirs': ["<!(node -p \"require('node-addon-api').include_dir\")"],
      # Swallowing: in a worker thread that is being terminated nothing can be thrown, and trying would abort.
      'defines': [
        'NAPI_VERSION=8',
        'NODE_ADDON_API_CPP_EXCEPTIONS_ALL',
        'NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS',
      ],
      # -Wno-missing-field-initializers: tables of operations leave their last column at its default.
      'cflags': ['<!@(pkg-config --cflags libvirt)', '-Wall', '-Wextra', '-Wno-missing-field-initializers'],
      'cflags_cc!': ['-fno-exceptions', '-fno-rtti', '-std=gnu++17', '-O3'],
      'cflags!': ['-O3'],
      'cflags_cc': ['-fexceptions', '-std=c++17', '-fvisibility=hidden', '-O2'],
      # nodelete: Node unloads the addon when the last worker thread that used it ends, but libvirt's event
      # thread and calls that hang still run its code.
      'ldflags': ['-Wl,-z,nodelete'],
      'libraries': ['<!@(pkg-config --libs libvirt)', '-lpthread'],
    },
  ],
}
