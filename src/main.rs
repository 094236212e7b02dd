//! The `understudy` binary: see [`understudy::cli`].

fn main() -> std::process::ExitCode {
    understudy::cli::main()
}
