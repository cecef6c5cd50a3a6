//! Runs the roots with other parameters, which a form takes.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State as Extract;
use axum::http::StatusCode;
use axum::response::Response;
use flow_core::Error;
use maud::{Markup, html};

use super::fields::Fields;
use super::form::{Form, Present};
use super::plan::{self, EDIT, Wanted};
use super::{root_names, when_idle};
use crate::error::{ViewError, chain};
use crate::frame::{Answer, Place, View, respond};
use crate::snapshot::Snapshot;
use crate::state::{Shared, Since};
use crate::text;

const ADDRESS: &str = "/actions/parameters";

/// The number of instances of a task whose values are compared.
const COMPARED: usize = 50;

/// Shows the form, without values.
pub(crate) async fn get(Extract(shared): Extract<Arc<Shared>>) -> Response {
    respond(shared, |shared| {
        if shared.options.is_read_only() {
            return Err(ViewError::Refused("this page is read-only".to_owned()));
        }
        Ok(view(shared, &Form::of(&shared.roots), None))
    })
    .await
}

pub(crate) async fn post(Extract(shared): Extract<Arc<Shared>>, sent: Fields) -> Response {
    when_idle(shared, sent, run).await
}

fn run(shared: &Arc<Shared>, sent: &Fields, since: Since) -> Result<Answer, ViewError> {
    let mut form = Form::of(&shared.roots);
    form.read(sent);
    if form.has_errors() {
        return Ok(again(shared, &form, None));
    }
    if sent.get(EDIT).is_some() {
        return Ok(Answer::Page(StatusCode::OK, view(shared, &form, None)));
    }
    let graph = shared.graph_of(&form.apply(&shared.flow));
    let preview = match graph.preview() {
        Ok(preview) => preview,
        // Values that fit their types may contradict each other, or those that the tasks give.
        Err(error @ Error::Plan(_)) => return Ok(again(shared, &form, Some(&error))),
        Err(error) => return Err(error.into()),
    };
    let values = form.values();
    let title = match values.as_slice() {
        [] => format!("Run {} with the parameters of the page", root_names(shared)),
        values => {
            let values = values.iter().map(|(name, text)| format!("{name} = {text}"));
            format!("Run {} with {}", root_names(shared), values.collect::<Vec<_>>().join(", "))
        }
    };
    let title = text::clipped(&title, 500);
    let fields = form.sent();
    let wanted = Wanted { title, address: ADDRESS, fields, graph, other: Some(values), since };
    plan::run(shared, wanted, &preview, sent)
}

/// Answers with the form and what is wrong with the values.
fn again(shared: &Shared, form: &Form, error: Option<&Error>) -> Answer {
    Answer::Page(StatusCode::UNPROCESSABLE_ENTITY, view(shared, form, error))
}

fn view(shared: &Shared, form: &Form, error: Option<&Error>) -> View {
    // A graph that cannot be planned may lack the values that are typed here.
    let present = shared.snapshot().map(|snapshot| present(&snapshot)).unwrap_or_default();
    let body = html! {
        p { "Runs " (root_names(shared)) " with the values that you type. What you leave empty stays as it is." }
        @if form.has_errors() { p.error role="alert" { "Some values do not fit: see below. Nothing was started." } }
        @if let Some(error) = error {
            p.error role="alert" { "These values cannot be planned. Nothing was started." }
            pre.error { (text::block(&chain(error))) }
        }
        (form_markup(form, &present))
    };
    View::new("Run with other parameters", Place::Actions, body)
}

fn form_markup(form: &Form, present: &Present) -> Markup {
    html! {
        @if form.is_empty() {
            p { "Neither the roots nor the tasks upstream have parameters that can be set here." }
        } @else {
            form.parameters method="post" action=(ADDRESS) {
                (form.markup(present))
                button type="submit" { "Show the plan" }
            }
        }
        @if !form.secrets().is_empty() {
            p.note { "Secrets have no field, because the page does not encrypt: " (text::line(&form.secrets().join(", "))) "." }
        }
        p { a href="/actions" { "Back to the actions" } }
    }
}

/// Returns the present values of the parameters. Those of tasks with many instances are left out.
fn present(snapshot: &Snapshot) -> Present {
    let mut present: Present = BTreeMap::new();
    for (instance, &task) in snapshot.instances.iter().zip(&snapshot.task_of) {
        if snapshot.tasks[task].count > COMPARED {
            continue;
        }
        // Names with a dot are those of tasks upstream.
        for (name, value) in
            instance.parameters().into_iter().filter(|(name, _)| !name.contains('.'))
        {
            present.entry(format!("{}.{name}", instance.task())).or_default().insert(value);
        }
    }
    present
}
