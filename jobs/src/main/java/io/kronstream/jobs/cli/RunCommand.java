// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.kronstream.connectors.TopicAdmin;
import io.kronstream.jobs.InvalidSettingsException;
import io.kronstream.jobs.JobFailure;
import io.kronstream.jobs.JobFile;
import io.kronstream.jobs.JobOptions;
import io.kronstream.jobs.JobSettings;
import io.kronstream.jobs.JobSources;
import io.kronstream.jobs.JobTopics;
import io.kronstream.jobs.RunningJob;
import io.kronstream.jobs.StartFrom;
import io.kronstream.jobs.embedded.FlinkRest;
import io.kronstream.jobs.embedded.MiniFlinkCluster;
import io.kronstream.jobs.savepoint.Savepoint;
import java.io.IOException;
import java.io.PrintWriter;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code kronstream run}. */
@Command(
        name = "run",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Runs the job of a file: on a cluster, or without --cluster in this process until Ctrl-C.",
            "Topics that are missing are created."
        })
final class RunCommand implements Callable<Integer> {
    private static final Duration LOOK = Duration.ofMillis(500);
    private static final Duration RESTORE_PATIENCE = Duration.ofMinutes(2);
    private static final ObjectMapper JSON = new ObjectMapper();

    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "job.yaml", description = "The job.")
    private Path file;

    @Option(names = "--cluster", paramLabel = "HOST:PORT", description = "Flink's REST address to submit the job to.")
    private String cluster;

    @Option(
            names = "--jar",
            paramLabel = "FILE.jar",
            description =
                    "A jar to send along, for a cluster that does not have kronstream on its class path. Repeatable.")
    private List<Path> jars = List.of();

    @Option(names = "--set", paramLabel = "KEY=VALUE", description = "An option in place of the file's. Repeatable.")
    private Map<String, String> overrides = Map.of();

    @Option(
            names = "--mode",
            paramLabel = "ordered|arrival",
            description = "What the order of a model's records rests on, in place of the file's.")
    private String mode;

    @Option(
            names = "--from",
            paramLabel = "SAVEPOINT",
            description = "Path or URI of a savepoint or retained checkpoint to go on from.")
    private String savepoint;

    @Option(
            names = "--unless-running",
            description = "With --cluster: does nothing if a job of the same name runs there.")
    private boolean unlessRunning;

    @Option(
            names = "--weights-only",
            description = {
                "With --from: the optimizer may be another one, and starts anew. Parameters, feature statistics,",
                "open mini-batches and positions stay."
            })
    private boolean weightsOnly;

    @Option(
            names = "--port",
            paramLabel = "PORT",
            defaultValue = "8081",
            description =
                    "Port of the dashboard of a run in this process, 0 for a free one (default: ${DEFAULT-VALUE}).")
    private int port;

    @Option(
            names = "--max-rejected-share",
            paramLabel = "SHARE",
            description = "Stops the job for good when a larger share of records cannot be decoded;"
                    + " short for --set examples.max-rejected-share=SHARE.")
    private String maxRejectedShare;

    @Option(names = "--json", description = "Answers in JSON.")
    private boolean json;

    @Option(names = "--verbose", description = "Shows the logs, and the stack trace of a failure.")
    private boolean verbose;

    private volatile boolean stopped;

    @Override
    public Integer call() throws Exception {
        JobSettings job = JobFile.read(
                file,
                new OptionValues()
                        .putAll(overrides)
                        .put(JobOptions.MODE, mode)
                        .put(JobOptions.MAX_REJECTED_SHARE, maxRejectedShare)
                        .values());
        URI address = cluster == null ? null : address(cluster);
        if (weightsOnly && savepoint == null) {
            throw new InvalidSettingsException("--weights-only", List.of("needs --from SAVEPOINT"));
        }
        if (savepoint != null) {
            Savepoint.requireFits(savepoint, job.backend());
        }
        if (unlessRunning && address == null) {
            throw new InvalidSettingsException("--unless-running", List.of("needs --cluster HOST:PORT"));
        }
        if (unlessRunning) {
            List<String> active = new FlinkRest(address).activeJobs(job.name());
            if (!active.isEmpty()) {
                tell(active.get(0), address);
                return ExitStatus.DONE;
            }
        }
        StartFrom from = new StartFrom(savepoint, weightsOnly);
        if (job.checkpoints().directory() == null) {
            if (address != null) {
                throw new InvalidSettingsException(
                        file.toString(),
                        List.of("'" + JobOptions.CHECKPOINT_DIRECTORY.key()
                                + "' is missing: a cluster needs a directory that all its machines reach"));
            }
            job = job.withCheckpointDirectory(
                    Path.of("kronstream-checkpoints").toAbsolutePath().toUri());
        }
        try (TopicAdmin admin = TopicAdmin.connect(job.kafka())) {
            job = JobSources.resolve(admin, job);
            JobTopics.requireSoleWriter(admin, job, spec.commandLine().getErr()::println);
            JobTopics.prepare(admin, job);
        }
        if (address != null) {
            RunningJob running = RunningJob.submit(address, job, from, null, jars);
            if (savepoint != null) {
                awaitRestored(running, new FlinkRest(address));
            }
            tell(running.id(), address);
            return ExitStatus.DONE;
        }
        runHere(job, from);
        return ExitStatus.DONE;
    }

    /** A savepoint that does not fit shows when the job's tasks start, which is after the submission. */
    private static void awaitRestored(RunningJob running, FlinkRest rest)
            throws IOException, InterruptedException, JobFailure {
        long deadline = System.nanoTime() + RESTORE_PATIENCE.toNanos();
        while (!running.awaitEnd(LOOK) && !rest.allRunning(running.id())) {
            if (System.nanoTime() > deadline) {
                throw new JobFailure("Job " + running.id() + " was submitted, but does not run after "
                        + RESTORE_PATIENCE.toSeconds() + " s; the dashboard says what it waits for");
            }
        }
    }

    private void runHere(JobSettings job, StartFrom from) throws IOException, InterruptedException, JobFailure {
        Interrupt.on(() -> stopped = true);
        try (MiniFlinkCluster here = MiniFlinkCluster.start(job.parallelism(), port)) {
            RunningJob running = RunningJob.submit(here.restAddress(), job, from, null, List.of());
            tell(running.id(), here.restAddress());
            boolean stopping = false;
            while (!running.awaitEnd(LOOK)) {
                if (stopped && !stopping) {
                    stopping = true;
                    String stopped = running.stop(job.checkpoints().directory(), false);
                    spec.commandLine().getErr().println("Stopped; go on with --from " + stopped);
                }
            }
        }
    }

    private void tell(String id, URI address) {
        PrintWriter out = spec.commandLine().getOut();
        out.println(
                json
                        ? JSON.createObjectNode()
                                .put("job", id)
                                .put("cluster", address.toString())
                                .toString()
                        : "Job " + id + " runs; Flink dashboard: " + address);
        out.flush();
    }

    private static URI address(String cluster) {
        try {
            URI address = URI.create("http://" + cluster);
            if (address.getHost() != null && address.getPort() > 0) {
                return address;
            }
        } catch (IllegalArgumentException e) {
            // The same sentence says what is wrong.
        }
        throw new InvalidSettingsException("--cluster", List.of("must be HOST:PORT, was '" + cluster + "'"));
    }
}
