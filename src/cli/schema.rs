//! `dossier schema`.

use clap::Args;

use crate::{
    cli::{Failure, print},
    engine::catalog,
};

#[derive(Args)]
pub struct Arguments {
    /// Print nothing; fail if `schema.graphql` in the current folder differs.
    #[arg(long)]
    pub check: bool,
}

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let sdl = catalog::sdl(catalog::catalog());
    if !arguments.check {
        return print(&sdl);
    }
    match std::fs::read_to_string("schema.graphql") {
        Ok(file) if file == sdl => Ok(()),
        Ok(_) => {
            Err("schema.graphql differs from the code; update it with `dossier schema > schema.graphql`"
                .into())
        }
        Err(error) => Err(format!("can't read schema.graphql: {error}").into()),
    }
}
