//! Who asks, and for which tenant.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use zapjobs_model::{JobKey, JobType, TenantId};

use super::Scope;
use crate::http::problem::{Code, Problem};
use crate::http::query;

/// The word for all tenants in the parameter that chooses one.
const ALL_TENANTS: &str = "*";

/// Who asks. `authorise` puts it into each request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    /// The token's id, or how else the caller is known.
    pub(crate) id: String,
    /// What the token is called.
    pub(crate) name: String,
    /// What it allows.
    pub(crate) scope: Scope,
    /// The tenant that the token is bound to.
    pub(crate) bound: Option<TenantId>,
    /// The tenant of this request; `None` where it is for all.
    tenant: Option<TenantId>,
}

impl Caller {
    /// Whoever asks where nobody is asked who they are.
    pub(crate) fn anyone() -> Self {
        Self::new("local", "whoever is on this machine", Scope::Admin, None)
    }

    pub(crate) fn new(
        id: impl Into<String>,
        name: impl Into<String>,
        scope: Scope,
        bound: Option<TenantId>,
    ) -> Self {
        Self { id: id.into(), name: name.into(), scope, tenant: bound.clone(), bound }
    }

    /// For the tenant that the query names, or else for the standard one.
    pub(crate) fn choosing(mut self, text: &str, standard: &TenantId) -> Result<Self, Problem> {
        let named = query::pairs(text)?.into_iter().find(|(name, _)| name == query::TENANT);
        let named = named.map(|(_, value)| value);
        self.tenant = match (named.as_deref(), &self.bound) {
            (None, bound) => Some(bound.clone().unwrap_or_else(|| standard.clone())),
            (Some(ALL_TENANTS), None) => None,
            (Some(name), bound) if bound.as_ref().is_none_or(|it| it.as_str() == name) => {
                let tenant = TenantId::new(name);
                Some(tenant.map_err(|error| Problem::new(Code::BadQuery, error.to_string()))?)
            }
            (Some(_), _) => {
                let own = self.bound.as_ref().map(ToString::to_string).unwrap_or_default();
                let detail =
                    format!("the token works for the tenant {own} alone: leave tenant out");
                return Err(Problem::new(Code::WrongTenant, detail));
            }
        };
        Ok(self)
    }

    /// Refuses a caller whose token allows less than this.
    pub(crate) fn require(&self, scope: Scope) -> Result<(), Problem> {
        if self.scope >= scope {
            return Ok(());
        }
        let detail = format!(
            "the token has the scope {}, this needs {scope}: use another token",
            self.scope
        );
        Err(Problem::new(Code::Scope, detail))
    }

    /// The tenant to look at; all where `None`.
    pub(crate) fn view(&self) -> Option<&TenantId> {
        self.tenant.as_ref()
    }

    /// The one tenant that something is made for.
    pub(crate) fn tenant(&self) -> Result<&TenantId, Problem> {
        self.tenant.as_ref().ok_or_else(|| {
            Problem::new(Code::BadQuery, "tenant=*: name the one tenant that this is for")
        })
    }

    /// Whether what is this tenant's is there for the caller.
    pub(crate) fn sees(&self, tenant: &TenantId) -> bool {
        // A caller for all tenants finds a run by its id, whosever it is.
        self.bound.as_ref().is_none_or(|bound| bound == tenant)
    }

    /// Whether this tenant is one of those that the request looks at.
    pub(crate) fn views(&self, tenant: &TenantId) -> bool {
        self.tenant.as_ref().is_none_or(|own| own == tenant)
    }

    /// A job of the tenant.
    pub(crate) fn job(&self, job_type: JobType) -> Result<JobKey, Problem> {
        Ok(JobKey { tenant: self.tenant()?.clone(), job_type })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| {
            Problem::new(Code::Internal, "the route is in no group: please report it")
        })
    }
}
