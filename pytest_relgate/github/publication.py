"""A run of the publish workflow for one release, judged: started once, ended well, and at its end.

SPEC S37, S38, S40, S44, S45.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Literal

from pytest_relgate.errors import CannotJudge, Finding
from pytest_relgate.github.following import FollowedRun
from pytest_relgate.net.facts import Absent, Known, Unknown


class Publication(FollowedRun):
    """The publish workflow's run for a release: a rehearsal, or the publish itself.

    Each statement is true, or raises what is wrong.
    """

    def dispatched(self) -> Literal[True]:
        """The run was started: by us, once, or by somebody else for this release (SPEC S38, S40).

        Raises CannotJudge where it may not be started, and where nobody can say whether it was.
        """
        if not self.run_id:
            message = f"{self.file.path} names no run"
            raise CannotJudge(message, do=f"look for it: {self.page}")
        return True

    def succeeded(self) -> Literal[True]:
        """The run has ended, and well, in every job. Follows it to its end (SPEC S38, S44).

        Raises NotYet for one that waits for an approval, and says whose.
        """
        run, jobs = self._ended
        place = self._place
        if run.conclusion != "success":
            words = f"{place} ended as {run.conclusion}, not as success"
            raise Finding(words, where=run.html_url, do=self._again)
        if not any(job.conclusion == "success" for job in jobs):
            words = f"{place} ended green, and no job of it succeeded"
            raise Finding(words, where=run.html_url, do="mend the conditions of its jobs")
        return True

    def reached_its_end(self) -> Literal[True]:
        """The final job ran, and every job that reaches a channel: none was skipped behind another's back.

        A job that is skipped upstream silently skips everything behind it, and the run ends green.
        """
        run, jobs = self._ended
        wanted = (*self.workflows.final, *self.reaching)
        if not self.workflows.final:
            message = (
                "the profile names no job under workflows.final, so nothing says that the end was reached"
            )
            raise CannotJudge(message, do='add workflows.final = ["JOB"] to relgate.toml')
        missing = [
            name
            for name in dict.fromkeys(wanted)
            if not any(fnmatchcase(job.name, name) and job.conclusion == "success" for job in jobs)
        ]
        if missing:
            words = f"{self._place} ended {run.conclusion}, and these jobs never ran: {', '.join(missing)}"
            raise Finding(words, where=run.html_url, do="see which job before them was skipped, and why")
        return True

    def published_nothing(self) -> Literal[True]:
        """No release came to GitHub while the rehearsal ran.

        Registries are not asked: they would remember for minutes that there is nothing.
        """
        run, _ = self._ended
        match self.api.release(self.target, fresh=True):
            case Absent():
                return True
            case Unknown() as unknown:
                raise unknown.error()
            case Known(value=release):
                when = release.published_at or ""
                if release.draft or not run.created_at <= when <= (run.updated_at or when):
                    return True
                words = f"{self._place} was a rehearsal, and {self.target} was published while it ran"
                do = f"see what it published, and what --field {self.workflows.rehearsal}=true keeps it from"
                raise Finding(words, where=release.html_url, do=do)
