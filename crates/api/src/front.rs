//! What every request passes through.

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode};
use domain::ids::KeyId;
use serve::RequestId;
use tower::ServiceExt;

use crate::app::App;
use crate::native::problem;
use crate::routes::Matched;
use crate::target::{Dialect, Target};
use crate::{answer, catch, proxyseller, routes, youproxy};

/// The state of the front.
#[derive(Clone)]
pub(crate) struct Front {
    app: Arc<App>,
    /// Everything but the dialects that carry their key in the path.
    routes: Router,
}

impl Front {
    pub(crate) fn new(app: App) -> Front {
        let app = Arc::new(app);
        Front { routes: routes::router(&app), app }
    }
}

/// What may be told of a request: nothing that the client has made up, and no secret.
#[derive(Clone, Copy, Debug)]
pub(crate) struct About {
    /// Which API it is a part of.
    pub(crate) dialect: &'static str,
    /// The template of its path.
    pub(crate) route: &'static str,
    /// The key that was accepted.
    pub(crate) key: Option<KeyId>,
}

impl About {
    /// Nothing is there.
    const NOTHING: About = About { dialect: "none", route: "unknown", key: None };
}

/// Has a request answered, and tells the log and the metrics.
///
/// A key in the path is taken away before anything else happens.
pub(crate) async fn front(State(front): State<Front>, mut request: Request) -> Response<Body> {
    let app = &front.app;
    let started = Instant::now();
    let id = request.extensions().get::<RequestId>().copied();
    let (mut answer, about) = match Target::take(&mut request) {
        Some(target) if app.settings.api => match target.dialect() {
            Dialect::Youproxy => youproxy::serve(app, &target, request).await,
            Dialect::ProxySeller(version) => {
                proxyseller::serve(app, version, &target, request).await
            }
        },
        Some(_) => (answer::json(StatusCode::NOT_FOUND, "{}"), About::NOTHING),
        None => routed(app, front.routes.clone(), request).await,
    };
    answer::keep_private(answer.headers_mut());
    let (status, took) = (answer.status(), started.elapsed());
    app.metrics.answered(&about, status, took);
    let key = about.key.map(|key| key.0);
    let id = id.map(tracing::field::display);
    let (millis, micros) = (took.as_millis(), took.subsec_micros() % 1000);
    tracing::info!(
        request.id = id,
        key.id = key,
        route = about.route,
        status = status.as_u16(),
        duration_ms = %format_args!("{millis}.{micros:03}"),
        "Answered {} with {}",
        about.route,
        status.as_u16()
    );
    answer
}

/// Has the router answer.
async fn routed(app: &App, router: Router, request: Request) -> (Response<Body>, About) {
    let mut answer = match catch::panics(router.oneshot(request)).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(never)) => match never {},
        Err(catch::Panicked) => {
            app.metrics.panicked();
            problem::plain(StatusCode::INTERNAL_SERVER_ERROR)
        }
    };
    let matched = answer.extensions_mut().remove::<Matched>();
    let about = matched.map_or(About::NOTHING, |it| it.0);
    (answer, about)
}
