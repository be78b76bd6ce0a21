//! A client that is told what to call, one line for each call.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use e2e::customer::Customer;
use e2e::shop::Shop;
use serde_json::{Value, json};

use crate::environment::Environment;

/// An official client at work for a customer.
pub(crate) struct Client {
    child: Child,
    calls: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Client {
    #[track_caller]
    pub(crate) fn of(environment: &Environment, shop: &Shop, customer: &Customer) -> Client {
        let mut command = environment.script("told.py");
        command.arg(format!("http://{}", shop.address())).arg(&customer.key);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (calls, answers) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Client { child, calls, answers: BufReader::new(answers) }
    }

    /// What a method returns.
    #[track_caller]
    pub(crate) fn call(&mut self, method: &str, args: Value) -> Value {
        let mut said = self.said(method, &args);
        assert!(said.get("answer").is_some(), "{method} {args}: {said}");
        said["answer"].take()
    }

    /// What a method raises: the class of the error, its words, and its number if it has one.
    #[track_caller]
    pub(crate) fn refused(&mut self, method: &str, args: Value) -> Value {
        let mut said = self.said(method, &args);
        assert!(said.get("error").is_some(), "{method} {args}: {said}");
        said["error"].take()
    }

    #[track_caller]
    fn said(&mut self, method: &str, args: &Value) -> Value {
        writeln!(self.calls, "{}", json!([method, args])).unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("{method} {args}: {line}"))
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
