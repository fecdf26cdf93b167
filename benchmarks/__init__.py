"""Time, memory and accuracy of `xent_lib` and of its peers, side by side; run by `make bench`.

`cases` says what is asked and what is right; `adapters` how each library is asked; `worker` is the process of one
library; `driver` lets the workers take turns. `cliffs`, `memory` and `accuracy` ask further questions of the same
workers, through the same adapters. `results` keeps the answers, `page` copies them into the chapter.
"""
