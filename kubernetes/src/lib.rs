//! Brings the mesh into a Kubernetes cluster: injects the sidecars ([`injector`]), tells the CA what stands where and looks
//! after what pods need ([`controller`]), and puts what founding an authority has made where it belongs ([`hand_over`]).

pub mod command;
pub mod controller;
pub mod hand_over;
pub mod injector;
pub mod own_files;
pub mod report;
pub mod still_injected;
