//! The local gateway and the web layer.

mod api_reference;
mod deadline;
mod deadline_sweep;
mod edge_sweep;
mod gateway_edge;
mod gateway_restart;
mod gateway_start;
mod mailbox;
mod web_edge;
mod web_log;
mod world;
