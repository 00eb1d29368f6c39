//! Writes every chart's example as pages, static and with Plotly, light and dark: `cargo run -p estimand-viz --example gallery -- FOLDER`.

use std::path::PathBuf;
use std::{env, fs, io};

use estimand_viz::chart;
use estimand_viz::page::{self, Interactive};
use estimand_viz::theme::{FONT, Palette, Theme};

fn main() -> io::Result<()> {
    let folder = PathBuf::from(env::args().nth(1).unwrap_or_else(|| "gallery".to_owned()));
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("plotly.js"), page::PLOTLY_JS)?;
    fs::write(folder.join("figure.js"), page::FIGURE_JS)?;
    let themes =
        [("light", Theme::LIGHT), ("dark", Theme::DARK), ("classic", Theme::LIGHT.with_palette(Palette::Classic))];
    for (name, theme) in themes {
        for chart in chart::ALL {
            for (place, input) in chart.examples().iter().enumerate() {
                let Ok(figure) = chart.figure(input) else { continue };
                let stem = format!("{}_{}", chart.name(), place + 1);
                for (kind, interactive) in [("static", Interactive::No), ("plotly", Interactive::Yes)] {
                    // Figures are made in the light theme: a page of any theme must re-theme them.
                    let element = page::element(&figure, &Theme::LIGHT, interactive);
                    let path = folder.join(format!("{stem}-{kind}-{name}.html"));
                    fs::write(path, document(&element, theme, interactive))?;
                }
                let alone = figure.svg(&theme.standalone(), page::WIDE);
                fs::write(folder.join(format!("{stem}-{name}.svg")), alone)?;
            }
        }
    }
    println!("{} charts in {}", chart::ALL.len(), folder.display());
    Ok(())
}

fn document(element: &str, theme: Theme, interactive: Interactive) -> String {
    let scripts = match interactive {
        Interactive::No => "",
        Interactive::Yes => r#"<script src="plotly.js"></script><script src="figure.js"></script>"#,
    };
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'self' file:; img-src data: blob:\">\
         <title>Gallery</title><style>:root{{{}}}body{{margin:16px;font:14px/1.45 {FONT};background:var(--surface);color:var(--text)}}{}</style>\
         {element}{scripts}</html>",
        theme.declarations(),
        page::FIGURE_CSS
    )
}
