"""Says where the repository and the published site are: the one place that links and notebooks ask.

On GitHub the workflow knows both: ``GITHUB_REPOSITORY`` is ``owner/name``, and ``SITE_URL``, where it is
set, the address of the site, which otherwise is that of the repository's Pages. So a fork that publishes has
its own links, with no edit. Elsewhere ``repository: url`` and ``html: baseurl`` in ``_config.yml`` are
taken; what is empty there is not known, and no link is made of it.
"""

import os
import re
from typing import NamedTuple
from urllib.parse import urlencode

GITHUB = "https://github.com"
COLAB = "https://colab.research.google.com/github"
PUBLISHED = "gh-pages"  # the branch that holds the built site


class Addresses(NamedTuple):
    """Where things are; None where that is not known."""

    repository: str | None  # https://github.com/owner/name
    branch: str
    site: str | None  # ends in a slash

    def page(self, page: str) -> str | None:
        """Return the address of a page of the published site."""
        return self.site and f"{self.site}{page}.html"

    def colab(self, page: str) -> str | None:
        """Return the address at which Colab opens the notebook of a page."""
        if not self.repository or not self.repository.startswith(f"{GITHUB}/"):
            return None
        return f"{COLAB}{self.repository.removeprefix(GITHUB)}/blob/{PUBLISHED}/{notebook(page)}"

    def problem(self, page: str, title: str) -> str | None:
        """Return the address at which a reader reports a problem with a page."""
        if not self.repository or not self.repository.startswith(f"{GITHUB}/"):
            return None
        body = f"Page: {self.page(page) or page}\n\nWhat is wrong:\n"
        return f"{self.repository}/issues/new?{urlencode({'title': f'{title}: ', 'body': body})}"

    def source(self, page: str) -> str | None:
        return self.repository and f"{self.repository}/blob/{self.branch}/{page}.md?plain=1"

    def edit(self, page: str) -> str | None:
        return self.repository and f"{self.repository}/edit/{self.branch}/{page}.md"


def notebook(page: str) -> str:
    """Return the place of a page's notebook within the site."""
    return f"notebooks/{page.rpartition('/')[2]}.ipynb"


def find(config) -> Addresses:
    """Read the addresses from the environment, or from the configuration of the book."""
    theme = config.html_theme_options
    repository, site = theme.get("repository_url", ""), config.html_baseurl
    if name := os.environ.get("GITHUB_REPOSITORY"):
        repository, site = f"{GITHUB}/{name}", pages_of(name)
    site = os.environ.get("SITE_URL") or site
    for address in filter(None, (repository, site)):
        if not re.match(r"https?://[^/\s]+", address):
            raise ValueError(f"{address!r} is no web address: give it as https://...")
    return Addresses(
        repository.rstrip("/") or None,
        theme.get("repository_branch") or "main",
        f"{site.rstrip('/')}/" if site else None,
    )


def pages_of(name: str) -> str:
    """Return where GitHub Pages serves the repository ``owner/name``."""
    owner, _, repository = name.partition("/")
    host = f"{owner.lower()}.github.io"
    return f"https://{host}" if repository.lower() == host else f"https://{host}/{repository}"
