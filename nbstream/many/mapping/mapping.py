"""`nbs.map`: checks what is to be asked of which rows, and makes the map, which asks nobody yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbstream.failures import UsageError
from nbstream.many.asking.concurrency import Concurrency
from nbstream.many.asking.executor import ExecutorAsker, checked_executor, portable
from nbstream.many.asking.giving_up import ON_ERROR
from nbstream.many.asking.local import LocalAsker, source_of
from nbstream.many.asking.paced import PacedRunner
from nbstream.many.checkpoint.kept_answers import KeptAnswers, kernel_checkpoint
from nbstream.many.checkpoint.kept_request import kept_request
from nbstream.many.checkpoint.other_maps import told_of_others
from nbstream.many.checkpoint.row_store import RowStore
from nbstream.many.checkpoint.stored_rows import StoredRows, stored_prompts
from nbstream.many.job.map_job import MapJob
from nbstream.many.job.map_show import MapShow
from nbstream.many.job.row_reader import RowReader
from nbstream.many.mapping.confirming import confirmed
from nbstream.many.mapping.making import BATCH_FILE, batch_job, check_batch, opened
from nbstream.many.mapping.resuming import resumed
from nbstream.many.rows.row_key import RowKeys
from nbstream.many.rows.row_prompts import prompts_of
from nbstream.many.rows.row_states import RowStates
from nbstream.many.rows.rows import rows_of
from nbstream.settings.resolution import resolve
from nbstream.settings.shell import running_shell
from nbstream.streaming.engine import engine
from nbstream.text.plain import plain
from nbstream.text.secret import takes_key

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Mapping
    from concurrent.futures import Executor

    from nbstream.many.asking.giving_up import OnError
    from nbstream.many.asking.runner import RowRunner
    from nbstream.many.rows.row_prompts import RowPrompts
    from nbstream.many.rows.rows import Rows
    from nbstream.request import StreamRequest
    from nbstream.transport.event_stream import StreamSource

__all__ = ["Map", "map", "map_rows"]

_NOT_OF_ROWS = {"image", "file", "footer", "insert"}
"""Options that are of one answer, or of how it is drawn."""


class Map:
    """Asks the same of every row of a table: `nbs.map` is the only one."""

    @takes_key
    def __call__(
        self,
        template_or_prompts: str | Iterable[Any] | Callable[[Any], Any],
        rows: Any = None,
        *,
        schema: Any = None,
        concurrency: int | str = "auto",
        executor: Executor | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        on_error: OnError = "keep",
        batch: bool = False,
        confirm: bool = False,
        display: bool = True,
        **options: Any,
    ) -> MapJob:
        """Ask the same of every row; nothing is sent before the map begins.

        Args:
            template_or_prompts: A template with `{{ column }}`, in which any expression on the row's columns and on the
                names of the notebook may stand, and `row` is the whole row; a function that is given a row and returns
                its prompt; or, without `rows`, the prompts themselves. A prompt is a text, or a list of messages.
            rows: A list of values or of dictionaries, a pandas or polars frame or series, or a generator, which is read
                as rows are asked. A value has the column `value`, or the one name that the template uses. A cell that
                a prompt needs and that is empty (`None`, `NaN`) makes its row fail, without being sent.
            schema: What each answer is held to, as for `nbs.stream`; the value of a row is then an object.
            concurrency: How many rows may be in flight; `"auto"` begins with 20 and finds out, up to 100.
            executor: Asks the rows elsewhere: any `concurrent.futures.Executor`, such as `client.get_executor()` of
                `dask.distributed`, `client.load_balanced_view().executor` of ipyparallel, or processes. A worker asks
                one row at a time for each of its threads, and finds the key in its own environment. The budget of the
                kernel, tools, stages and recordings stay here.
            checkpoint: A file that keeps the answers. What is in it is never asked again: a row whose prompt, model,
                parameters, schema and host are the same has its answer. Several maps may share it; the file of one
                that has another model and a template with none of these names is refused. Without it, answers are
                kept until the kernel ends, for maps with no tools, stages or `stop_when`.
            on_error: What a failed row means: `"keep"` goes on, its value is `None`; `"stop"` asks no more; `"raise"`
                stops and raises.
            batch: Whether the provider may take up to a day, for less money (OpenAI's Batch API). The map survives the
                kernel: `nbs.map.resume` takes it up again. Without a `checkpoint`, it is kept in the working directory,
                in `nbstream-batches.sqlite`. No tools, no moderation, no budget, no `stop_when`.
            confirm: Whether to show the plan when the map begins, and to ask whether it may.
            display: Whether to show how it goes: in a notebook in a table of the rows, which fills and becomes a
                summary; elsewhere by a bar.
            **options: Options of `nbs.stream`: `model`, `system`, `temperature`, …; `budget` is that of all rows.

        Returns:
            The map: a sequence of values in row order.

        Raises:
            UsageError: The call is wrong; nothing was sent.

        Example:
            ```python
            df["mood"] = nbs.map("Mood of: {{ review }}, in one word", df, model="demo")
            ```
        """
        return map_rows(
            template_or_prompts,
            rows,
            schema=schema,
            concurrency=concurrency,
            executor=executor,
            checkpoint=checkpoint,
            on_error=on_error,
            batch=batch,
            confirm=confirm,
            display=display,
            **options,
        )

    @takes_key
    def resume(self, checkpoint: str | os.PathLike[str], **options: Any) -> MapJob:
        """Take up the map that has begun last in a checkpoint, in this kernel or in another one.

        What is done is not asked again, and what is in a batch is not paid again. Nothing is sent before it begins.

        Args:
            checkpoint: The file.
            **options: What the file does not hold, such as `api_key`, `tools` or the class of a `schema` (without it,
                values are what the JSON schema makes of them); `executor`; `concurrency` and `on_error`, if they
                are to be others.

        Returns:
            The map.

        Raises:
            UsageError: There is no such file, no map in it, or it would ask something else now.

        Example:
            ```python
            job = nbs.map.resume("moods.sqlite")
            job.result()
            ```
        """
        return resumed(checkpoint, options, _local)

    def __repr__(self) -> str:
        return "<nbs.map: asks the same of every row of a table>"


map = Map()  # noqa: A001  what the package calls it
"""The only one."""


def map_rows(  # noqa: D417  `nbs.map` says what the others mean
    template_or_prompts: Any,
    rows: Any = None,
    *,
    schema: Any = None,
    concurrency: Any = "auto",
    executor: Any = None,
    checkpoint: str | os.PathLike[str] | None = None,
    on_error: OnError = "keep",
    batch: bool = False,
    confirm: bool = False,
    display: bool = True,
    names: Mapping[str, Any] | None = None,
    **options: Any,
) -> MapJob:
    """What `nbs.map` does.

    Args:
        names: The names that a template may use besides the columns; by default those of the notebook.
    """
    if on_error not in ON_ERROR:
        raise UsageError(f"on_error must be one of {', '.join(repr(each) for each in ON_ERROR)}, not {on_error!r}")
    if taken := sorted(_NOT_OF_ROWS & options.keys()):
        raise UsageError(f"a map takes no {taken[0]}: it draws no answers, and its rows are what is asked")
    Concurrency.of(concurrency)  # which raises if it cannot be one
    request = resolve("…", schema=schema, **options)
    given, table = _prompts_and_rows(template_or_prompts, rows)
    prompts = prompts_of(given, table, _names() if names is None else names)
    if batch:
        if executor is not None:
            raise UsageError("a batch is answered by the provider, so it takes no executor")
        check_batch(request)
    is_shared, checkpoint = checkpoint is None, BATCH_FILE if batch and checkpoint is None else checkpoint
    kept = _kept(checkpoint, request)
    asked: dict[str, Any] = {"on_error": on_error, "confirm": confirm, "display": display}
    if checkpoint is None:
        return _local(request, table, kept, prompts=prompts, concurrency=concurrency, executor=executor, **asked)
    whole = {"request": kept_request(request), "batch": batch, "concurrency": concurrency, **asked}
    whole["of"] = given if isinstance(given, str) else getattr(given, "__qualname__", None)
    store = RowStore(kept.checkpoint)
    if not is_shared:
        kept.note = told_of_others(plain(str(checkpoint)), whole, store.asked())
    stored = StoredRows(store, kept.run, whole, table, prompts)
    if batch:
        return batch_job(request, stored, kept, **asked)
    return _local(request, stored, kept, concurrency=concurrency, executor=executor, **asked)


def _local(
    request: StreamRequest,
    rows: Rows,
    kept: KeptAnswers,
    *,
    concurrency: Any = "auto",
    executor: Any = None,
    prompts: RowPrompts | None = None,
    on_error: OnError = "keep",
    confirm: bool = False,
    display: bool = True,
) -> MapJob:
    """A map that is asked by this kernel; rows that have no prompts are kept with them."""
    states = RowStates()
    if executor is not None:
        portable(request)  # which raises if it cannot go elsewhere
        checked_executor(executor)
    reader = RowReader(rows, prompts or stored_prompts(), RowKeys(request), kept, states)
    source: list[StreamSource] = []  # one for all stretches of work, because it knows what has been spent

    def runner() -> RowRunner:
        if not source:
            source.append(source_of(request, engine()))
        level = Concurrency.of(concurrency)
        if executor is not None:
            return PacedRunner(ExecutorAsker(executor, request, engine()), level)
        return PacedRunner(LocalAsker(request, engine(), source[0]), level)

    before = confirmed if confirm else None
    show = MapShow(request.surface, answers=request.answer_while_busy, shows=display)
    return MapJob(request, reader, kept, states, runner, engine, on_error=on_error, before=before, show=show)


def _prompts_and_rows(given: Any, rows: Any) -> tuple[Any, Rows]:
    if rows is not None:
        if not isinstance(given, str) and not callable(given):
            kind = type(given).__name__
            raise UsageError(f"with rows, the first argument is a template or a function of a row, not a {kind}")
        return given, rows_of(rows)
    if isinstance(given, str) or callable(given):
        kind = "template" if isinstance(given, str) else "function"
        raise UsageError(f"a {kind} needs rows: nbs.map({kind}, rows)")
    table = rows_of(given)
    if not table.are_values:
        raise UsageError("without a template, rows are prompts: texts, or lists of messages; give a template first")
    return None, table


def _names() -> Mapping[str, Any]:
    """The names of the notebook."""
    shell = running_shell()
    return {} if shell is None else dict(shell.user_ns)


def _kept(path: Any, request: StreamRequest) -> KeptAnswers:
    if path is None:
        pure = not (request.tools or request.stop_when or request.stages)
        return KeptAnswers(kernel_checkpoint(), reuses=pure)
    return KeptAnswers(opened(path))
