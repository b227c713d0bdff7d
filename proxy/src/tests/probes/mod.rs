//! The probe port, asked over real sockets, and applications that answer it in every way.

mod grpc;
mod http;
mod port;
mod world;
