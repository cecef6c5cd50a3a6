//! Many settings and models: `backtest`, `compare`, `sweep` and `tune`.

use crate::program::{Example, instances, listed, parse_json, tasks};

#[test]
fn backtest_runs_only_the_tasks_that_a_strategy_affects() {
    let example = Example::new("backtest");
    let base = [
        "Index {start: 2023-01-02, end: 2023-12-29}",
        "News {start: 2023-01-02, end: 2023-12-29}",
        "Signals {days: 20}",
        "Prices {symbol: ACME, start: 2023-01-02, end: 2023-12-29}",
        "Prices {symbol: BOLT, start: 2023-01-02, end: 2023-12-29}",
        "Prices {symbol: CRUX, start: 2023-01-02, end: 2023-12-29}",
        "Portfolio {symbols: [ACME, BOLT, CRUX]}",
        "Pnl {symbols: [ACME, BOLT, CRUX]}",
    ];
    assert_eq!(example.ran("Pnl"), base);
    let other_symbols = [
        "Prices {symbol: DUNE, start: 2023-01-02, end: 2023-12-29}",
        "Portfolio {symbols: [ACME, BOLT, DUNE]}",
        "Pnl {symbols: [ACME, BOLT, DUNE]}",
    ];
    assert_eq!(example.ran("Pnl --symbols ACME,BOLT,DUNE"), other_symbols);
    let slower_signals = [
        "Signals {days: 60}",
        "Portfolio {symbols: [ACME, BOLT, CRUX], Signals.days: 60}",
        "Pnl {symbols: [ACME, BOLT, CRUX], Signals.days: 60}",
    ];
    assert_eq!(example.ran("Pnl --days 60"), slower_signals);

    for line in ["Pnl", "Pnl --symbols ACME,BOLT,DUNE", "Pnl --days 60"] {
        let again = example.json(&format!("run {line}"));
        assert_eq!(
            (tasks(&again, "ran").len(), instances(&again, "complete_already").len()),
            (0, 8)
        );
    }
    // The table of strategies has what each one has recorded.
    let swept = example.json("sweep Pnl --days 20,60 --max-by sharpe");
    let variants = swept["variants"].as_array().expect("a list");
    for (variant, line) in variants.iter().zip(["Pnl", "Pnl --days 60"]) {
        let recorded = example.json(&format!("meta {line}"));
        for column in ["total", "sharpe"] {
            assert_eq!(variant[column], recorded[0]["metadata"][column], "{column} of {line}");
        }
    }
    assert_eq!(variants.len(), 2);
    let sharpe = |variant: usize| variants[variant]["sharpe"].as_f64().expect("a number");
    let best = if sharpe(1) > sharpe(0) { "days=60" } else { "days=20" };
    assert_eq!(swept["best"], best);
    let picture = example.run("graph Pnl --format svg");
    assert_eq!(picture.matches(">COMPLETE</text>").count(), 8, "{picture}");
}

#[test]
fn compare_trains_only_the_other_model() {
    let example = Example::new("compare");
    let printed = example.run("");
    let parts: Vec<_> = printed.split("OLS does better\n").collect();
    let [first, second, variants] = parts[..] else {
        panic!("two reports, and variants: {printed}")
    };
    let data = [
        "SplitFlowers {testing: false, source: examples/data/iris.csv}",
        "Transform {testing: false, logarithms: false}",
        "SplitFlowers {testing: true, source: examples/data/iris.csv}",
        "Transform {testing: true, logarithms: false}",
    ];
    let (ols, ridge) = ("TrainModel {method: Ols}", "TrainModel {method: Ridge {alpha: 1.0}}");
    let before = [&data[..], &[ols]].concat();
    assert_eq!(
        listed(first, "ran:"),
        [&before[..], &[ridge, "CompareModels {alpha: 1.0}"]].concat()
    );
    // The results of the normal equations; for ridge with standardized columns.
    let report = "trained on 112 flowers\nR² of OLS:   0.9498\nR² of ridge: 0.9434 (alpha 1)\n";
    assert!(first.ends_with(report), "{first}");

    assert_eq!(listed(second, "complete already:"), before);
    let stricter = ["TrainModel {method: Ridge {alpha: 50.0}}", "CompareModels {alpha: 50.0}"];
    assert_eq!(listed(second, "ran:"), stricter);
    assert!(second.contains("R² of OLS:   0.9498\nR² of ridge: 0.7949 (alpha 50)\n"), "{second}");

    // Only the variant with other preprocessing has to run, and none of the shared tasks.
    let preview = "2 variants: 1 complete, 1 to run\n  ols    COMPLETE\n  \
                   ridge  PENDING never run (3 tasks of its own)\nseveral share:\n\
                   SplitFlowers {testing: false, source: examples/data/iris.csv} COMPLETE\n\
                   SplitFlowers {testing: true, source: examples/data/iris.csv} COMPLETE\n";
    assert!(variants.contains(preview), "{variants}");
    let own = [
        "Transform {testing: false, logarithms: true}",
        "Transform {testing: true, logarithms: true}",
        "TrainModel {method: Ridge {alpha: 1.0}, Transform.logarithms: true}",
    ];
    assert_eq!(listed(variants, "ran:"), own);
    let rows: Vec<Vec<_>> = variants
        .lines()
        .skip_while(|line| !line.starts_with("variant "))
        .take(3)
        .map(|line| line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect())
        .collect();
    assert_eq!(rows[0], ["variant", "method", "logarithms", "status", "seconds", "flowers", "r2"]);
    assert_eq!(rows[1][..4], ["ols", "Ols", "false", "complete"]);
    assert_eq!(rows[2][..4], ["ridge", "Ridge {alpha: 1.0}", "true", "complete"]);
    assert_eq!((rows[1][6], rows[2][6]), ("0.949772", "0.904492"));
    assert!(variants.contains("\nols: r2 0.9497"), "{variants}");

    let again = example.run("");
    assert_eq!(again.matches("7 complete already\n").count(), 2, "{again}");
    assert!(again.contains("\n8 tasks in ") && !again.contains("ran:"), "{again}");
}

#[test]
fn sweep_runs_shared_tasks_once_and_finds_the_best() {
    let example = Example::new("sweep");
    let printed = example.run("");
    assert!(printed.starts_with("24 variants: 24 to run\n"), "{printed}");
    let shared = "\nseveral share:\nPrepare {scale: false} PENDING never run\n\
                  └─ GetFlowers {source: examples/data/iris.csv} PENDING never run\n\
                  Prepare {scale: true} PENDING never run\n\
                  └─ GetFlowers {source: examples/data/iris.csv} PENDING never run\n";
    assert!(printed.contains(shared), "{printed}");
    // The data once, two ways of preparing it, 24 fits and their scores.
    assert!(printed.contains("\n24 variants: 24 ran\n51 tasks in "), "{printed}");
    assert!(printed.contains(": 51 ran\n"), "{printed}");
    let is_row = |line: &&str| line.starts_with("scale=true,degree=3,alpha=0.01 ");
    let row = printed.lines().find(is_row);
    let row: Vec<_> = row.expect("a row of the table").split_whitespace().collect();
    let (parameters, rest) = row.split_at(5);
    assert_eq!(parameters[1..], ["true", "3", "0.01", "complete"]);
    // The R², the number of flowers, and the R² of the fit.
    assert_eq!(rest[1..], ["0.95528", "150", "0.935764"]);
    assert!(printed.contains("as a batch: 9 columns, 24 rows\n"), "{printed}");
    let columns = "variant,scale,degree,alpha,status,seconds,r2,GetFlowers.flowers,Fit.r2\n";
    assert!(printed.contains(&format!("as CSV: {columns}")), "{printed}");
    assert!(printed.contains("\nscale=true,degree=3,alpha=0.01: r2 0.9552"), "{printed}");
    assert!(printed.contains("\nits R²: 0.9553\nR² of another: 0.9443\nat random: R² 0.95"));

    let again = example.run("");
    assert!(again.starts_with("24 variants: 24 complete\n"), "{again}");
    assert!(again.contains("\n24 variants: 24 complete already\n51 tasks in "), "{again}");
}

#[test]
fn tune_trains_only_untried_settings() {
    let example = Example::new("tune");
    let tried = |line: &str| {
        let best = parse_json(&example.run(&format!("load {line}")));
        usize::try_from(best["tried"].as_u64().expect("a number")).expect("a small number")
    };
    // The flowers for training and for testing, the trials, and the search itself.
    let first = tasks(&example.json("run Tune"), "ran");
    let trials = |ran: &[String]| ran.iter().filter(|task| *task == "Trial").count();
    assert!(first.len() > 8 && first.contains(&"Tune".to_owned()), "{first:?}");
    assert_eq!((first.len(), trials(&first)), (tried("Tune") + 3, tried("Tune")));

    // A plan shows what the run has required.
    let plan = example.run("plan Tune");
    let lines: Vec<_> = plan.lines().collect();
    assert!(lines[0].ends_with(" COMPLETE"), "{plan}");
    assert!(lines[1].starts_with("├─ (in run) Trial {alpha: 0.1} COMPLETE"), "{plan}");

    // A longer search goes further, and starts with the settings that the first one has tried.
    let second = tasks(&example.json("run Tune --enough 1e-7"), "ran");
    assert!(second.len() > 1, "{second:?}");
    assert_eq!(tried("Tune --enough 1e-7"), tried("Tune") + trials(&second));
    assert_eq!(second.len(), trials(&second) + 1);

    for line in ["Tune", "Tune --enough 1e-7"] {
        assert!(example.ran(line).is_empty());
    }
}
