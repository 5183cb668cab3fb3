//! What a job's function takes and returns, told from its signature alone.

use syn::spanned::Spanned;
use syn::{Error, FnArg, ItemFn, ReturnType, Signature, Type};

/// The shape of a job's function.
#[derive(Debug)]
pub(crate) struct Shape {
    /// The type of its input, if it takes one.
    pub(crate) input: Option<Type>,
    /// Whether it wants the context.
    pub(crate) takes_context: bool,
    /// What it returns; absent for nothing.
    pub(crate) output: Option<Type>,
    /// Whether what it returns is a `Result`.
    pub(crate) fallible: bool,
}

impl Shape {
    /// Reads the shape of a function, or says why it can be no job.
    pub(crate) fn of(function: &ItemFn) -> Result<Self, Error> {
        let signature = &function.sig;
        refuse_unfit(signature)?;
        let mut shape = Self { input: None, takes_context: false, output: None, fallible: false };
        for parameter in &signature.inputs {
            shape.take(parameter)?;
        }
        if let ReturnType::Type(_, output) = &signature.output {
            shape.fallible = last_name(output).is_some_and(|name| name.ends_with("Result"));
            shape.output = Some((**output).clone());
        }
        Ok(shape)
    }

    fn take(&mut self, parameter: &FnArg) -> Result<(), Error> {
        let FnArg::Typed(parameter) = parameter else {
            return Err(Error::new(parameter.span(), "a job is a free function, without `self`"));
        };
        let span = parameter.ty.span();
        let is_context = match &*parameter.ty {
            Type::Reference(reference) => {
                reference.mutability.is_none()
                    && last_name(&reference.elem).is_some_and(|name| name == "Context")
            }
            _ => false,
        };
        if self.takes_context {
            return Err(Error::new(span, "`&Context` comes last"));
        }
        if is_context {
            self.takes_context = true;
            return Ok(());
        }
        if matches!(*parameter.ty, Type::Reference(_)) {
            return Err(Error::new(
                span,
                "a job owns its input: take it by value (only `&Context` is a reference)",
            ));
        }
        if self.input.is_some() {
            return Err(Error::new(
                span,
                "a job takes one input: put its fields into one struct that derives \
                 `Deserialize` and `JsonSchema`",
            ));
        }
        self.input = Some((*parameter.ty).clone());
        Ok(())
    }
}

fn refuse_unfit(signature: &Signature) -> Result<(), Error> {
    if let Some(keyword) = &signature.asyncness {
        return Err(Error::new(
            keyword.span,
            "a job is a plain function: every run has a sandbox of its own and may simply wait",
        ));
    }
    if let Some(keyword) = &signature.unsafety {
        return Err(Error::new(keyword.span, "a job is a safe function"));
    }
    if !signature.generics.params.is_empty() {
        return Err(Error::new(
            signature.generics.span(),
            "a job has no generic parameters: the host calls it with JSON",
        ));
    }
    Ok(())
}

fn last_name(ty: &Type) -> Option<String> {
    match ty {
        Type::Path(path) => path.path.segments.last().map(|segment| segment.ident.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::Shape;
    use syn::parse_quote;

    #[test]
    fn inputs_and_context_are_told_apart() {
        let both = Shape::of(&parse_quote! { fn f(a: A, ctx: &zapjobs_sdk::Context) {} });
        let both = both.expect("a job");
        assert!(both.input.is_some() && both.takes_context && !both.fallible);
        let none = Shape::of(&parse_quote! { fn f() -> io::Result<()> {} }).expect("a job");
        assert!(none.input.is_none() && !none.takes_context && none.fallible);
    }

    #[test]
    fn what_can_be_no_job_is_refused_with_advice() {
        let refused = [
            (parse_quote! { async fn f() {} }, "plain function"),
            (parse_quote! { fn f<T>(a: T) {} }, "no generic"),
            (parse_quote! { fn f(a: A, b: B) {} }, "one input"),
            (parse_quote! { fn f(a: &str) {} }, "by value"),
            (parse_quote! { fn f(ctx: &Context, a: A) {} }, "comes last"),
            (parse_quote! { fn f(&self) {} }, "free function"),
        ];
        for (function, advice) in refused {
            let error = Shape::of(&function).expect_err("no job").to_string();
            assert!(error.contains(advice), "{error}");
        }
    }
}
