//! Each Chinese page has the headings, tables, code and links of its English page.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::{anchor, pages, sources};

/// Sections that only one page of a pair has, with those below them: page, heading, and why.
const ALONE: [(&str, &str, &str); 8] = [
    ("README.zh-CN.md", "特性", "Chinese readers look for a list, and for WeChat's 中控服务器"),
    ("README.zh-CN.md", "常见问题", "they search for the text of an error, in Chinese"),
    ("docs/errors.zh-CN.md", "微信返回的错误码", "an English reader has read the message itself"),
    ("docs/errors.zh-CN.md", "网络", "the same"),
    ("docs/errors.zh-CN.md", "锁", "the same"),
    ("docs/errors.zh-CN.md", "文件和权限", "the same"),
    ("docs/errors.zh-CN.md", "账号和配置", "the same"),
    ("docs/errors.zh-CN.md", "错误日志里的提示", "the same"),
];

const CHINESE: &str = ".zh-CN.md";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The Chinese page of the page at `path`, a path below the root, if there is one.
fn in_chinese(path: &Path) -> Option<PathBuf> {
    let name = path.to_str()?.strip_suffix(".md")?;
    let page = PathBuf::from(format!("{name}{CHINESE}"));
    root().join(&page).is_file().then_some(page)
}

/// An English page and its Chinese page, as paths below the root.
fn pairs() -> Vec<(PathBuf, PathBuf)> {
    let below_root = |page: PathBuf| page.strip_prefix(root()).map(Path::to_owned).ok();
    let english = pages().into_keys().filter_map(below_root);
    english.filter_map(|page| Some((page.clone(), in_chinese(&page)?))).collect()
}

/// What stands below a heading, and before the next one.
#[derive(Default)]
struct Section {
    /// With its marks: `## Install`.
    heading: String,
    tables: Vec<Vec<Vec<String>>>,
    code: Vec<Code>,
    list_items: usize,
    links: Vec<String>,
}

#[derive(Debug, Default, PartialEq)]
struct Code {
    language: String,
    text: String,
}

impl Section {
    fn level(&self) -> usize {
        self.heading.chars().take_while(|mark| *mark == '#').count()
    }

    fn title(&self) -> &str {
        self.heading.trim_start_matches('#').trim()
    }
}

/// Every section of the page at `path`.
fn all_sections(path: &Path) -> Vec<Section> {
    let text = fs::read_to_string(root().join(path)).expect("a page");
    let mut sections = vec![Section::default()];
    let mut code: Option<Code> = None;
    let mut was_row = false;
    for line in text.lines() {
        let fence = line.trim_start().strip_prefix("```");
        let is_row = code.is_none() && line.starts_with('|');
        if let Some(mut block) = code.take() {
            if fence.is_some() {
                sections.last_mut().expect("a section").code.push(block);
            } else {
                block.text += without_comment(line, &block.language).trim_end();
                block.text += "\n";
                code = Some(block);
            }
        } else if let Some(language) = fence {
            code = Some(Code { language: language.to_owned(), text: String::new() });
        } else if line.starts_with('#') {
            sections.push(Section { heading: line.to_owned(), ..Section::default() });
        } else {
            let section = sections.last_mut().expect("a section");
            if is_row && !was_row {
                section.tables.push(Vec::new());
            }
            if is_row {
                section.tables.last_mut().expect("a table").push(cells(line));
            }
            let is_item = line.starts_with("- ")
                || line.split_once(". ").is_some_and(|(n, _)| n.parse::<u8>().is_ok());
            section.list_items += usize::from(is_item);
            let targets = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
            section.links.extend(targets.map(str::to_owned));
        }
        was_row = is_row;
    }
    assert!(code.is_none(), "{}: a code block does not end", path.display());
    sections
}

/// The sections of the page at `path`, without those that it has alone.
fn sections(path: &Path) -> Vec<Section> {
    let mut level_alone = None;
    let mut sections = all_sections(path);
    sections.retain(|section| {
        if level_alone.is_some_and(|level| section.level() <= level) {
            level_alone = None;
        }
        if level_alone.is_none() && is_alone(path, section) {
            level_alone = Some(section.level());
        }
        level_alone.is_none()
    });
    sections
}

fn is_alone(page: &Path, section: &Section) -> bool {
    ALONE.iter().any(|(name, title, _)| Path::new(name) == page && *title == section.title())
}

fn cells(row: &str) -> Vec<String> {
    let row = row.replace(r"\|", "\0");
    let row = row.trim().trim_matches('|');
    row.split('|').map(|cell| cell.trim().replace('\0', "|")).collect()
}

/// What of a table's cell is code.
fn code_in(cell: &str) -> BTreeSet<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

fn is_code(cell: &str) -> bool {
    cell.len() > 2 && cell.starts_with('`') && cell.ends_with('`') && cell.matches('`').count() == 2
}

/// A line of code in `language` without its comment.
fn without_comment(line: &str, language: &str) -> String {
    let mut line = line.to_owned();
    let mark = match language {
        "php" => "//",
        "sh" | "console" => "#",
        "ini" => ";",
        _ => return line,
    };
    while language == "php"
        && let Some((before, rest)) = line.split_once("/*")
        && let Some((_, after)) = rest.split_once("*/")
    {
        line = format!("{before}{after}");
    }
    // Neither a URL's `//` nor the end of a statement.
    let begins = |at: &usize| line[..*at].chars().next_back().is_none_or(char::is_whitespace);
    let start = line.match_indices(mark).map(|(at, _)| at).find(begins);
    start.map_or_else(|| line.clone(), |at| line[..at].to_owned())
}

/// Where the links of a section of `page` lead: to which page, and which of its headings. Links between
/// the two pages of a pair do not count.
fn targets(section: &Section, page: &Path, pair: &Path) -> BTreeSet<String> {
    let target = |link: &String| {
        if link.contains("://") {
            return Some(link.clone());
        }
        let (file, heading) = link.split_once('#').unwrap_or((link, ""));
        let file = match file {
            "" => page.to_owned(),
            file => below_root(&page.with_file_name(file)),
        };
        if file == pair {
            return None;
        }
        let is_english = !page.to_string_lossy().ends_with(CHINESE);
        let file_in_chinese = in_chinese(&file);
        if !is_english && file_in_chinese.is_some() {
            return Some(format!("{}, of which there is a Chinese page", file.display()));
        }
        let is_of_a_pair = file_in_chinese.is_some() || file.to_string_lossy().ends_with(CHINESE);
        let place = match heading {
            "" => String::new(),
            _ if is_of_a_pair => {
                let number =
                    sections(&file).iter().position(|section| anchor(&section.heading) == heading);
                number.map_or_else(|| format!(" {heading}"), |number| format!(" section {number}"))
            }
            heading => format!(" {heading}"),
        };
        Some(format!("{}{place}", file_in_chinese.unwrap_or(file).display()))
    };
    section.links.iter().filter_map(target).collect()
}

/// `path` without its `..`.
fn below_root(path: &Path) -> PathBuf {
    let mut below = PathBuf::new();
    for part in path.components() {
        if part == Component::ParentDir {
            below.pop();
        } else {
            below.push(part);
        }
    }
    below
}

#[test]
fn a_chinese_page_has_the_headings_of_the_english_one() {
    for (english, chinese) in pairs() {
        let headings = |page: &Path| -> Vec<_> {
            sections(page).iter().map(|section| "#".repeat(section.level())).collect()
        };
        let titles = |page: &Path| -> Vec<_> {
            sections(page).into_iter().map(|section| section.heading).collect()
        };
        assert_eq!(
            headings(&english),
            headings(&chinese),
            "{}: {:#?}\n{}: {:#?}",
            english.display(),
            titles(&english),
            chinese.display(),
            titles(&chinese)
        );
    }
}

#[test]
fn every_section_that_one_page_has_alone_is_there() {
    for (page, title, _) in ALONE {
        let is_there = all_sections(Path::new(page)).iter().any(|section| section.title() == title);
        assert!(is_there, "{page} has no section {title}");
    }
}

/// A section of an English page, the same one of the Chinese page, and where to find that.
struct Both {
    english: Section,
    chinese: Section,
    place: String,
}

fn sections_of_pairs() -> Vec<Both> {
    let mut all = Vec::new();
    for (page, page_in_chinese) in pairs() {
        for (english, chinese) in sections(&page).into_iter().zip(sections(&page_in_chinese)) {
            let place = format!("{}, {}", page_in_chinese.display(), chinese.heading);
            all.push(Both { english, chinese, place });
        }
    }
    all
}

#[test]
fn a_chinese_page_has_the_tables_of_the_english_one() {
    let mut differences = Vec::new();
    let mut cells = 0;
    for Both { english, chinese, place } in sections_of_pairs() {
        let size = |section: &Section| -> Vec<Vec<usize>> {
            let columns = |table: &Vec<Vec<String>>| table.iter().map(Vec::len).collect();
            section.tables.iter().map(columns).collect()
        };
        let (wanted, found) = (size(&english), size(&chinese));
        if wanted != found {
            differences.push(format!("{place}: tables of {found:?}, in English {wanted:?}"));
        }
        for (english, chinese) in english.tables.iter().zip(&chinese.tables) {
            let has_messages = english[0][0] == "message";
            for (number, (english, chinese)) in english.iter().zip(chinese).enumerate() {
                for (column, (english, chinese)) in english.iter().zip(chinese).enumerate() {
                    cells += 1;
                    let is_message = has_messages && number > 0 && column == 0;
                    let must_be_equal = is_message || is_code(english) || is_code(chinese);
                    if must_be_equal && english != chinese
                        || !code_in(english).is_subset(&code_in(chinese))
                    {
                        differences.push(format!("{place}: {chinese}, in English {english}"));
                    }
                }
            }
        }
    }
    assert!(cells > 400, "{cells} cells");
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn a_chinese_page_has_the_lists_of_the_english_one() {
    for Both { english, chinese, place } in sections_of_pairs() {
        assert_eq!(english.list_items, chinese.list_items, "{place}");
    }
}

#[test]
fn a_chinese_page_has_the_code_of_the_english_one() {
    let mut blocks = 0;
    for Both { english, chinese, place } in sections_of_pairs() {
        blocks += chinese.code.len();
        assert_eq!(english.code, chinese.code, "{place}");
    }
    assert!(blocks > 40, "{blocks} code blocks");
}

#[test]
fn a_chinese_page_has_the_links_of_the_english_one() {
    let mut differences = Vec::new();
    let mut links = 0;
    for (english, chinese) in pairs() {
        for (one, other) in sections(&english).iter().zip(&sections(&chinese)) {
            let wanted = targets(one, &english, &chinese);
            let found = targets(other, &chinese, &english);
            links += found.len();
            if wanted != found {
                let missing: Vec<_> = wanted.difference(&found).collect();
                let extra: Vec<_> = found.difference(&wanted).collect();
                let place = format!("{}, {}", chinese.display(), other.heading);
                differences.push(format!("{place}: without {missing:?}, with {extra:?}"));
            }
        }
    }
    assert!(links > 60, "{links} links");
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn both_pages_of_a_pair_link_to_each_other_below_their_title() {
    let pairs = pairs();
    assert!(pairs.len() >= 3, "{pairs:?}");
    for (english, chinese) in pairs {
        for (page, other) in [(&english, &chinese), (&chinese, &english)] {
            let sections = all_sections(page);
            let name = other.file_name().expect("a name").to_string_lossy();
            let first = sections.iter().find_map(|section| section.links.first());
            assert_eq!(first.map(String::as_str), Some(&*name), "{}", page.display());
        }
    }
}

#[test]
fn what_to_do_about_each_errcode_is_explained_in_chinese() {
    let source = fs::read_to_string(root().join("core/src/wechat/errcode.rs")).expect("a source");
    let table = source.split("let advice = match").nth(1).expect("the table of advice");
    let table = table.split("};").next().expect("its rows");
    let told = table.lines().filter_map(|line| line.split_once("=> \"")?.1.strip_suffix("\","));
    let told: Vec<_> = told.map(|advice| advice.replace("\\\"", "\"")).collect();
    assert!(told.len() > 30, "{told:?}");
    let page = fs::read_to_string(root().join("docs/errors.zh-CN.md")).expect("a page");
    let missing: Vec<_> =
        told.iter().filter(|advice| !page.contains(&format!("| {advice} |"))).collect();
    assert!(missing.is_empty(), "docs/errors.zh-CN.md lacks {missing:#?}");
}

#[test]
fn every_message_that_is_explained_in_chinese_exists() {
    let code = sources(&root().join("core/src")) + &sources(&root().join("src"));
    let code = code.replace("\\\"", "\"");
    let page = Path::new("docs/errors.zh-CN.md");
    let mut parts = 0;
    let mut gone = Vec::new();
    for section in all_sections(page).iter().filter(|section| is_alone(page, section)) {
        for table in &section.tables {
            let column = usize::from(table[0][0] == "errcode");
            for message in table.iter().skip(2).filter_map(|row| row.get(column)) {
                // The code joins a message from these parts.
                let parts_of_it = message.split('…').flat_map(|part| part.split(". "));
                let parts_of_it = parts_of_it.flat_map(|part| part.split(": "));
                for part in parts_of_it.flat_map(|part| part.split("the loader returned")) {
                    let part = part.trim_matches([' ', '.', ',', ';', ':', '(', ')']);
                    parts += usize::from(part.len() > 3);
                    if part.len() > 3 && !code.contains(part) {
                        gone.push(format!("{message}: {part}"));
                    }
                }
            }
        }
    }
    assert!(parts > 100, "{parts} parts");
    assert!(
        gone.is_empty(),
        "docs/errors.zh-CN.md explains what no code says:\n{}",
        gone.join("\n")
    );
}
