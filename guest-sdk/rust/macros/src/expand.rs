//! From a function to its entry in the registry.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Attribute, Error, Expr, ExprLit, ItemFn, Lit, Meta, Result};

use crate::attribute::{Options, Schedule};
use crate::signature::Shape;

const DESCRIPTION_BYTES_MAX: usize = 4 * 1024;

/// The function as it was, and its entry; or the function and what is wrong with it, so that
/// the rest of the crate still sees it.
pub(crate) fn job(options: TokenStream, function: &TokenStream) -> TokenStream {
    let beside = entry(options, function.clone()).unwrap_or_else(Error::into_compile_error);
    // A job owns its input, whether it consumes it or not.
    quote! {
        #[allow(clippy::needless_pass_by_value)]
        #function
        #beside
    }
}

fn entry(options: TokenStream, function: TokenStream) -> Result<TokenStream> {
    let options = Options::parse(options)?;
    let function: ItemFn = syn::parse2(function)?;
    let shape = Shape::of(&function)?;
    let declaration = declaration(&options, &function)?;
    let behaviour = behaviour(&function, &shape);
    Ok(quote! {
        const _: () = {
            #behaviour
            ::zapjobs_sdk::__private::inventory::submit! {
                ::zapjobs_sdk::__private::Job { #declaration input_schema, output_schema, run }
            }
        };
    })
}

/// The fields of the entry that say what the job is.
fn declaration(options: &Options, function: &ItemFn) -> Result<TokenStream> {
    let name = function.sig.ident.to_string();
    let name = name.trim_start_matches("r#");
    let id = options.id.clone().unwrap_or_else(|| name.trim_matches('_').replace('_', "-"));
    let display_name = options.name.clone().unwrap_or_else(|| as_words(name));
    let description = description(&function.attrs)?;
    let queue = optional(options.queue.as_ref());
    let timeout_ms = optional(options.timeout_ms.as_ref());
    let default_input = optional(options.default_input.as_ref());
    let retry = optional(options.retry.map(|retry| retry_policy(&retry)).as_ref());
    let schedule = schedule(&options.schedule);
    let tags = &options.tags;
    Ok(quote! {
        id: #id,
        display_name: #display_name,
        description: #description,
        queue: #queue,
        retry: #retry,
        timeout_ms: #timeout_ms,
        schedule: #schedule,
        default_input: #default_input,
        tags: &[#(#tags),*],
    })
}

/// The functions of the entry: the schemas, and the call with JSON in and out.
fn behaviour(function: &ItemFn, shape: &Shape) -> TokenStream {
    let private = quote! { ::zapjobs_sdk::__private };
    let name = &function.sig.ident;
    let span = shape.output.as_ref().map_or_else(|| name.span(), Spanned::span);
    let returned = match &shape.output {
        Some(output) => quote! { #output },
        None => quote! { () },
    };
    let result = if shape.fallible {
        returned
    } else {
        quote! { ::core::result::Result<#returned, ::zapjobs_sdk::JobError> }
    };
    let output = quote_spanned! { span => <#result as #private::Attempt>::Output };
    let context = shape.takes_context.then(|| quote! { &::zapjobs_sdk::Context::current() });
    let (input, arguments) = match &shape.input {
        Some(ty) => (quote! { #ty }, quote! { input, #context }),
        None => (quote! { #private::NoInput }, quote! { #context }),
    };
    let call = quote! { #name(#arguments) };
    let call = if shape.fallible {
        quote_spanned! { span => #private::Attempt::into_result(#call) }
    } else {
        quote! { ::core::result::Result::Ok(#call) }
    };
    quote! {
        fn input_schema() -> ::core::option::Option<::std::string::String> {
            #private::input_schema::<#input>()
        }
        fn output_schema() -> ::core::option::Option<::std::string::String> {
            #private::output_schema::<#output>()
        }
        #[allow(unused_variables, clippy::unit_arg)]
        fn run(
            json: &str,
        ) -> ::core::result::Result<::std::string::String, ::zapjobs_sdk::JobError> {
            #private::call::<#input, #output>(json, |input| #call)
        }
    }
}

fn optional<T: quote::ToTokens>(value: Option<&T>) -> TokenStream {
    match value {
        Some(value) => quote! { ::core::option::Option::Some(#value) },
        None => quote! { ::core::option::Option::None },
    }
}

fn retry_policy(retry: &crate::attribute::Retry) -> TokenStream {
    let crate::attribute::Retry { max_attempts, base_ms, cap_ms, jitter } = retry;
    quote! {
        ::zapjobs_sdk::__private::RetryPolicy {
            max_attempts: #max_attempts,
            base_ms: #base_ms,
            cap_ms: #cap_ms,
            jitter_percent: #jitter,
        }
    }
}

fn schedule(schedule: &Schedule) -> TokenStream {
    let path = quote! { ::zapjobs_sdk::__private::Schedule };
    match schedule {
        Schedule::Manual => quote! { #path::Manual },
        Schedule::EveryMs(ms) => quote! { #path::EveryMs(#ms) },
        Schedule::Cron { expression, time_zone } => {
            quote! { #path::Cron { expression: #expression, time_zone: #time_zone } }
        }
    }
}

/// `site_build` becomes `Site build`.
fn as_words(name: &str) -> String {
    let words = name.trim_matches('_').replace('_', " ");
    let mut letters = words.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => words,
    }
}

/// The doc comment, without the space that follows each `///`.
fn description(attributes: &[Attribute]) -> Result<String> {
    let mut lines = Vec::new();
    for attribute in attributes {
        let Meta::NameValue(meta) = &attribute.meta else { continue };
        let Expr::Lit(ExprLit { lit: Lit::Str(line), .. }) = &meta.value else { continue };
        if meta.path.is_ident("doc") {
            let line = line.value();
            lines.push(line.strip_prefix(' ').unwrap_or(&line).trim_end().to_owned());
        }
    }
    let text = lines.join("\n").trim().to_owned();
    if text.len() > DESCRIPTION_BYTES_MAX {
        let place = attributes.first().map_or_else(proc_macro2::Span::call_site, Spanned::span);
        return Err(Error::new(
            place,
            "the doc comment is the job's description, which has at most 4 KiB: shorten it",
        ));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::{as_words, description};
    use syn::{ItemFn, parse_quote};

    #[test]
    fn names_become_words() {
        assert_eq!(as_words("site_build"), "Site build");
        assert_eq!(as_words("_x"), "X");
    }

    #[test]
    fn doc_comments_become_the_description() {
        let function: ItemFn = parse_quote! {
            /// First line,
            ///   indented.
            ///
            #[inline]
            fn f() {}
        };
        let text = description(&function.attrs).expect("short");
        assert_eq!(text, "First line,\n  indented.");
    }
}
