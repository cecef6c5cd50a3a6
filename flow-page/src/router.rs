//! The addresses of the views and actions.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};

use crate::error::ViewError;
use crate::guard::guard;
use crate::state::Shared;
use crate::{actions, assets, frame, views};

/// The longest form that is read, in bytes.
const LONGEST: usize = 1 << 20;

/// Returns the service of all addresses, behind the guard.
pub(crate) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/", get(views::graph::get))
        .route("/instances", get(views::instances::get))
        .route("/instance/{key}", get(views::instance::get))
        .route("/instance/{key}/data", get(views::data::get))
        .route("/instance/{key}/file/{part}", get(views::file::get))
        .route("/instance/{key}/file/{part}/{entry}", get(views::file::get_entry))
        .route("/instance/{key}/figure/{figure}", get(views::figures::get))
        .route("/instance/{key}/failure/figure/{figure}", get(views::figures::get_of_failure))
        .route("/instance/{key}/log", get(views::log::get))
        .route("/instance/{key}/log/events", get(views::log::events))
        .route("/instance/{key}/versions", get(views::versions::get))
        .route("/runs", get(views::runs::get))
        .route("/run/{id}", get(views::run::get))
        .route("/compare", get(views::compare::get))
        .route("/sweeps", get(views::sweep::tasks::get))
        .route("/sweep/{task}", get(views::sweep::variants::get))
        .route("/sweep/{task}/runs", get(views::sweep::over_runs::get))
        .route("/live", get(views::live::get))
        .route("/live/events", get(views::live::events))
        .route("/live/stop", post(views::live::stop))
        .route("/actions", get(actions::get))
        .route("/actions/run", post(actions::run::post).get(actions::leave))
        .route("/actions/force", post(actions::force::post).get(actions::leave))
        .route("/actions/retry", post(actions::retry::post).get(actions::leave))
        .route("/actions/reset", post(actions::reset::post).get(actions::leave))
        .route("/actions/parameters", get(actions::parameters::get).post(actions::parameters::post))
        .route(assets::STYLE_PATH, get(assets::style))
        .route("/assets/page.js", get(assets::page_script))
        .route("/assets/graph.js", get(assets::graph_script))
        .route("/assets/icon.svg", get(assets::icon))
        .fallback(|| async { frame::failed(&ViewError::not_found("there is no such page")) })
        .layer(DefaultBodyLimit::max(LONGEST))
        .layer(from_fn_with_state(Arc::clone(&shared), guard))
        .with_state(shared)
}
