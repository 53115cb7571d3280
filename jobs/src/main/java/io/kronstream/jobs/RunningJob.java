// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs;

import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.flink.api.common.JobExecutionResult;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.StateRecoveryOptions;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.core.execution.SavepointFormatType;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A job that was submitted to a cluster. Not thread-safe. */
public final class RunningJob {
    private static final Logger LOG = LoggerFactory.getLogger(RunningJob.class);
    private static final Duration STOP_PATIENCE = Duration.ofMinutes(2);
    private static final int STOP_ATTEMPTS = 10;
    private static final Duration STOP_PAUSE = Duration.ofSeconds(3);
    private static final Duration CANCEL_PATIENCE = Duration.ofSeconds(20);

    private final JobClient client;
    private final CompletableFuture<JobExecutionResult> end;
    private JobExecutionResult result;

    private RunningJob(JobClient client) {
        this.client = client;
        this.end = client.getJobExecutionResult();
    }

    /**
     * Submits the job.
     *
     * @param cluster address of the cluster's REST interface
     * @param stopAt for each partition of the examples topic the offset to stop before, or null for an endless job
     * @param jars to send along; empty if the cluster has the classes already
     */
    public static RunningJob submit(URI cluster, JobSettings settings, Map<Integer, Long> stopAt, List<Path> jars)
            throws JobFailure {
        return submit(cluster, settings, StartFrom.NOTHING, stopAt, jars);
    }

    /** As {@link #submit(URI, JobSettings, Map, List)}, from a savepoint. */
    public static RunningJob submit(
            URI cluster, JobSettings settings, StartFrom from, Map<Integer, Long> stopAt, List<Path> jars)
            throws JobFailure {
        Configuration configuration = TrainingJob.configuration(settings);
        if (from.savepoint() != null) {
            configuration.set(StateRecoveryOptions.SAVEPOINT_PATH, from.savepoint());
        }
        StreamExecutionEnvironment env = StreamExecutionEnvironment.createRemoteEnvironment(
                cluster.getHost(),
                cluster.getPort(),
                configuration,
                jars.stream().map(Path::toString).toArray(String[]::new));
        env.configure(configuration);
        TrainingJob.build(env, settings, from.weightsOnly(), stopAt);
        try {
            return new RunningJob(env.executeAsync(settings.name()));
        } catch (Exception e) {
            throw new JobFailure("The cluster at " + cluster + " did not take the job: " + reason(e), e);
        }
    }

    /** Its id in hexadecimal. */
    public String id() {
        return client.getJobID().toHexString();
    }

    /**
     * Waits for the end of the job.
     *
     * @return false if it has not come within the time
     * @throws JobFailure if the job failed
     */
    public boolean awaitEnd(Duration time) throws InterruptedException, JobFailure {
        try {
            result = end.get(time.toMillis(), TimeUnit.MILLISECONDS);
            return true;
        } catch (TimeoutException e) {
            return false;
        } catch (ExecutionException e) {
            throw new JobFailure("The job failed: " + reason(e), e);
        }
    }

    /**
     * Lets the job take a savepoint and end. A savepoint that fails, as while the job recovers, is tried again, ten times at
     * most; if there is none within two minutes, the job is cancelled.
     *
     * @param directory URI of the savepoints
     * @param finish whether the stream ends here: open mini-batches are learned and the last versions published. If not,
     *     they stay open, and a job that goes on from the savepoint does so as if it had never been stopped
     * @return path of the savepoint
     */
    public String stop(String directory, boolean finish) throws InterruptedException, JobFailure {
        long deadline = System.nanoTime() + STOP_PATIENCE.toNanos();
        for (int attempt = 1; ; attempt++) {
            try {
                return client.stopWithSavepoint(finish, directory, SavepointFormatType.CANONICAL)
                        .get(deadline - System.nanoTime(), TimeUnit.NANOSECONDS);
            } catch (ExecutionException | TimeoutException e) {
                boolean again =
                        attempt < STOP_ATTEMPTS && !end.isDone() && System.nanoTime() + STOP_PAUSE.toNanos() < deadline;
                if (!again) {
                    cancel();
                    throw new JobFailure(
                            "The job could not be stopped with a savepoint and was cancelled: " + reason(e), e);
                }
                LOG.info("The savepoint to stop with has failed and is tried again: {}", reason(e));
                TimeUnit.MILLISECONDS.sleep(STOP_PAUSE.toMillis());
            }
        }
    }

    /** Cancels the job if it still runs. */
    public void cancel() throws InterruptedException {
        if (end.isDone()) {
            return;
        }
        try {
            client.cancel().get(CANCEL_PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException | TimeoutException e) {
            // It has ended meanwhile, or its cluster has.
        }
    }

    /** The final value of one of the job's counters; 0 if it has none of that name. */
    public long counter(String name) {
        Long value = result.getAccumulatorResult(name);
        return value == null ? 0 : value;
    }

    /** The innermost cause that says something, in one line. */
    public static String reason(Throwable failure) {
        String reason = null;
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause.getMessage() != null) {
                reason = cause.getMessage();
            }
        }
        return reason == null
                ? failure.getClass().getSimpleName()
                : reason.lines().findFirst().orElse("");
    }
}
