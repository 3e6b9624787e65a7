//! The template, the functions behind Lambda events, a deployed stack, and the rules for the sources.

mod black_box;
mod checklist;
mod deployed;
mod documents;
mod imports;
mod lambda_events;
mod lambda_fuzz;
mod layers;
mod references;
mod repository;
mod template;
mod upgrade;
mod words;
