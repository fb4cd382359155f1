//! `dossier health`.

use std::time::Duration;

use clap::Args;
use ureq::Agent;

use crate::{
    cli::{Failure, configured, print, serve::reachable},
    config::Config,
};

/// Shorter than the interval at which orchestrators ask.
const TIMEOUT: Duration = Duration::from_secs(3);

#[derive(Args)]
pub struct Arguments {
    /// Ask whether the process works, not whether it can read the database.
    #[arg(long)]
    pub live: bool,
}

/// Asks the server at `BIND_ADDRESS`, as a container's health check does, where there is no other HTTP client.
pub async fn run(arguments: &Arguments) -> Result<(), Failure> {
    let config = configured()?;
    let asked = ask(&config, if arguments.live { "live" } else { "ready" });
    let (status, body) = tokio::task::spawn_blocking(asked).await.expect("no panic")?;
    if status != 200 {
        return Err(body.into());
    }
    print(&format!("{body}\n"))
}

/// The status and the body of the response.
fn ask(config: &Config, check: &str) -> impl FnOnce() -> Result<(u16, String), String> + use<> {
    let url = format!("http://{}/health/{check}", reachable(config.bind_address));
    move || {
        let agent = Agent::config_builder().timeout_global(Some(TIMEOUT)).http_status_as_error(false);
        let agent: Agent = agent.proxy(None).build().into();
        let no_answer = |error: ureq::Error| format!("no answer from {url}: {error}");
        let mut response = agent.get(&url).call().map_err(no_answer)?;
        let body = response.body_mut().read_to_string().map_err(no_answer)?;
        Ok((response.status().as_u16(), body))
    }
}
