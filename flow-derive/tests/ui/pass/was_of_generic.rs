#[path = "../prelude.rs"]
mod prelude;
use prelude::*;

#[derive(Task)]
#[task(target = Keep<u8>, was = "Fit")]
struct Train<const N: usize>;

#[tracked]
impl<const N: usize> Run for Train<N> {
    fn run(&self, _cx: &Cx<Self>) -> Result<u8> {
        Ok(N as u8)
    }
}

fn main() {
    let was = <Train<3> as flow::__private::Declared>::__decl().was;
    assert_eq!(was.as_deref(), Some("Fit<3>"));
}
