//! How a connection ends for an application: as the other application ended it.

use anyhow::{Result, ensure};
use bulkhead_lab::Output;
use bulkhead_tests::{DEADLINE, Workload};

use crate::pair::Pair;

/// Runs a few lines of Python as the workload's application; `DB` is db's address.
fn python(client: &Workload, pair: &Pair, script: &str) -> Result<Output> {
    let script =
        format!("import socket, struct, sys, time\n{}", script.replace("DB", &pair.db.pod().ipv4().to_string()));
    Ok(client.command("python3").args(["-c", &script]).run(DEADLINE)?)
}

#[test]
fn a_half_closed_connection_still_carries_the_answer() -> Result<()> {
    let pair = Pair::start()?;
    let script = "s = socket.create_connection(('DB', 8081), 5)\ns.sendall(b'x' * 100000)\ns.shutdown(socket.SHUT_WR)\n\
                  heard = b''\nwhile True:\n  more = s.recv(65536)\n  if not more: break\n  heard += more\nprint(len(heard))";
    let ended = python(&pair.web, &pair, script)?;
    ensure!(ended.stdout.trim() == "100000", "{ended:?}");
    Ok(())
}

#[test]
fn a_reset_by_the_server_reaches_the_client_as_a_reset() -> Result<()> {
    let mut pair = Pair::start()?;
    pair.db.run_python("reset-server", SERVER_THAT_RESETS)?;
    let script = "s = socket.create_connection(('DB', 8082), 5)\ns.sendall(b'hello')\ns.settimeout(10)\n\
                  try:\n  print(s.recv(100))\nexcept ConnectionResetError:\n  print('reset')";
    let ended = python(&pair.web, &pair, script)?;
    ensure!(ended.stdout.trim() == "reset", "{ended:?}");
    Ok(())
}

#[test]
fn a_reset_by_the_client_reaches_the_server_as_a_reset() -> Result<()> {
    let mut pair = Pair::start()?;
    pair.db.run_python("witness", SERVER_THAT_WITNESSES)?;
    let script = "s = socket.create_connection(('DB', 8082), 5)\ns.sendall(b'hello')\nassert s.recv(5) == b'hello'\n\
                  s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))\ns.close()";
    python(&pair.web, &pair, script)?.success("the client that resets")?;
    pair.db.application_log("witness", "saw a reset")
}

const SERVER_THAT_RESETS: &str = "
l = socket.create_server((ADDRESS, 8082))
print('listening', flush=True)
while True:
  c, _ = l.accept()
  c.recv(5)
  c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
  c.close()
";

const SERVER_THAT_WITNESSES: &str = "
l = socket.create_server((ADDRESS, 8082))
print('listening', flush=True)
while True:
  c, _ = l.accept()
  c.sendall(c.recv(5))
  try:
    print('saw a clean end' if c.recv(100) == b'' else 'saw bytes', flush=True)
  except ConnectionResetError:
    print('saw a reset', flush=True)
";
