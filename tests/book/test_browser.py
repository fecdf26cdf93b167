"""In a real browser, on a desk and on a phone, light and dark, every page shows all it has."""

import pytest
from conftest import PAGES, SITE

SCREENS = {"desktop": (1280, 900), "phone": (390, 844)}

INSPECT = """async () => {
    if (window.MathJax?.startup) await MathJax.startup.promise;
    for (const image of document.images) { image.loading = "eager"; await image.decode(); }
    const visible = element => element.getClientRects().length > 0;
    const luminance = color => {
        const [r, g, b] = color.match(/[\\d.]+/g).map(x => x / 255)
            .map(x => x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const background = getComputedStyle(document.body).backgroundColor;
    const contrast = element => {
        const [a, b] = [getComputedStyle(element).color, background].map(luminance).sort((x, y) => y - x);
        return (a + 0.05) / (b + 0.05);
    };
    return {
        overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
        formulas: document.querySelectorAll("span.math, div.math").length,
        rendered: document.querySelectorAll("span.math mjx-container, div.math mjx-container").length,
        coveredFormulas: [...document.querySelectorAll("div.math")].filter(block => {
            const number = block.querySelector(".eqno"), formula = block.querySelector("mjx-math");
            if (!number || !formula) return false;
            const [a, b] = [number, formula].map(e => e.getBoundingClientRect());
            return a.left < b.right - 1 && a.top < b.bottom && a.bottom > b.top;
        }).map(block => block.id),
        formulaErrors: [...document.querySelectorAll("mjx-merror")].map(e => e.textContent),
        emptyImages: [...document.images].filter(i => i.naturalWidth === 0).map(i => i.src),
        lowContrast: [...document.querySelectorAll("article p, article li, figcaption span.caption-text")]
            .filter(visible).filter(e => contrast(e) < 4.5).map(e => e.textContent.slice(0, 40)),
        theme: document.documentElement.dataset.theme,
    };
}"""


@pytest.fixture(scope="module", params=[(screen, theme) for screen in SCREENS for theme in ("light", "dark")])
def page_and_theme(browser, request):
    screen, theme = request.param
    width, height = SCREENS[screen]
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=theme)
    yield context.new_page(), theme
    context.close()


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_complete_and_readable(page_and_theme, page):
    tab, theme = page_and_theme
    troubles = []
    listeners = {
        "console": lambda message: troubles.append(message.text) if message.type == "error" else None,
        "pageerror": lambda error: troubles.append(str(error)),
        "requestfailed": lambda request: (  # what the page before had asked for is called off
            None if request.failure == "net::ERR_ABORTED" else troubles.append(f"could not load {request.url}")
        ),
        "request": lambda request: (
            None if request.url.startswith(("file:", "data:", "blob:")) else troubles.append(request.url)
        ),
    }
    for event, listener in listeners.items():
        tab.on(event, listener)
    tab.goto((SITE / f"{page}.html").as_uri())
    seen = tab.evaluate(INSPECT)
    for event, listener in listeners.items():
        tab.remove_listener(event, listener)

    assert troubles == []
    assert seen["theme"] == theme
    assert seen["overflow"] <= 0, "the page is wider than the screen"
    assert seen["rendered"] == seen["formulas"]
    assert seen["formulaErrors"] == []
    assert seen["coveredFormulas"] == [], "the number of a formula covers its end"
    assert seen["emptyImages"] == []
    assert seen["lowContrast"] == []
