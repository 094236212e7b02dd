//! The `understudy` binary: see [`understudy::cli`].

/// A request makes many small allocations; this allocator is quicker at them than the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    understudy::cli::main()
}
