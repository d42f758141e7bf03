//! Generated from `wit/`: what the host offers once, and one module per kind of plugin for what it exports.

wit_bindgen::generate!({
    path: "../wit",
    inline: "
        package jackfield:sdk;
        world host {
            import jackfield:plugin/types@0.1.0;
            import jackfield:plugin/log@0.1.0;
            import jackfield:plugin/config@0.1.0;
            import jackfield:plugin/timers@0.1.0;
            import jackfield:plugin/kv@0.1.0;
            import jackfield:plugin/http@0.1.0;
            import jackfield:plugin/random@0.1.0;
            import jackfield:plugin/helper@0.1.0;
            import jackfield:plugin/bus@0.1.0;
            import jackfield:plugin/events@0.1.0;
            import jackfield:plugin/call-control@0.1.0;
            import jackfield:plugin/dialer@0.1.0;
            import jackfield:plugin/contacts@0.1.0;
            import jackfield:plugin/audio-out@0.1.0;
        }
    ",
    world: "jackfield:sdk/host",
    generate_all,
});

/// What every plugin exports.
pub mod info {
    wit_bindgen::generate!({
        path: "../wit",
        inline: "
            package jackfield:sdk;
            world info { export jackfield:plugin/plugin-info@0.1.0; }
        ",
        world: "jackfield:sdk/info",
        pub_export_macro: true,
        with: {
            "jackfield:plugin/types@0.1.0": crate::bindings::jackfield::plugin::types,
        },
        generate_all,
    });
}

/// What a plugin that answers calls exports.
pub mod app {
    wit_bindgen::generate!({
        path: "../wit",
        inline: "
            package jackfield:sdk;
            world app { export jackfield:plugin/app@0.1.0; }
        ",
        world: "jackfield:sdk/app",
        pub_export_macro: true,
        with: {
            "jackfield:plugin/types@0.1.0": crate::bindings::jackfield::plugin::types,
            "jackfield:plugin/call-control@0.1.0": crate::bindings::jackfield::plugin::call_control,
        },
        generate_all,
    });
}

/// What a long-lived plugin exports.
pub mod service {
    wit_bindgen::generate!({
        path: "../wit",
        inline: "
            package jackfield:sdk;
            world service { export jackfield:plugin/service@0.1.0; }
        ",
        world: "jackfield:sdk/service",
        pub_export_macro: true,
        with: {
            "jackfield:plugin/types@0.1.0": crate::bindings::jackfield::plugin::types,
        },
        generate_all,
    });
}

/// What a voice exports.
pub mod tts {
    wit_bindgen::generate!({
        path: "../wit",
        inline: "
            package jackfield:sdk;
            world tts { export jackfield:plugin/tts@0.1.0; }
        ",
        world: "jackfield:sdk/tts",
        pub_export_macro: true,
        with: {
            "jackfield:plugin/types@0.1.0": crate::bindings::jackfield::plugin::types,
            "jackfield:plugin/audio-out@0.1.0": crate::bindings::jackfield::plugin::audio_out,
        },
        generate_all,
    });
}
