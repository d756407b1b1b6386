//! Turns what cargo built for wasm32 into a module of JavaScript, as `wasm-bindgen --target module` does.
//! The library compiles in half the time of that program.
//!
//! Usage: `roster-bindgen FILE.wasm FOLDER`

use std::env::args;
use wasm_bindgen_cli_support::Bindgen;

fn main() -> anyhow::Result<()> {
    let [_, input, folder] = args().collect::<Vec<_>>().try_into().map_err(|_| anyhow::anyhow!("FILE.wasm FOLDER"))?;
    Bindgen::new()
        .module(true)?
        .input_path(input)
        .out_name("index")
        .typescript(false)
        // The next call after a panic finds a new instance.
        .reset_state_function(true)
        .force_enable_abort_handler(true)
        .generate(folder)
}
