// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.drill;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.SortedMap;

/**
 * What a drill came to. Its components are the keys of its JSON form.
 *
 * @param mode {@code ordered}, where the two runs must be equal, or {@code arrival}, where each record must have been
 *     learned exactly once and every version must follow from its journal
 * @param examples length of the stream
 * @param scored examples that models learned from
 * @param rejected examples that could not be read
 * @param kills processes killed, by kind and together
 * @param secondsBrokerDown how long a broker that was killed stayed away
 * @param restores how often the job went back to a checkpoint
 * @param secondsToRecover from a kill until a checkpoint that began after it had completed
 * @param secondsUndisturbed that the undisturbed run took
 * @param secondsDisturbed that the other one took
 * @param versions model versions that were published
 * @param modelDigests of each model's final parameters and optimizer state
 * @param differences what differs between the runs, in sentences
 * @param identical whether nothing differs that must not, and each example is there exactly once
 * @param verified whether learning again without Flink gave the same digests: of the final models, and in arrival mode of
 *     every version
 * @param crashes each kill
 */
public record DrillReport(
        String dataset,
        String optimizer,
        String mode,
        long examples,
        long scored,
        long rejected,
        int partitions,
        int taskManagers,
        int parallelism,
        long seed,
        Kills kills,
        double secondsBrokerDown,
        long restores,
        Recovery secondsToRecover,
        double secondsUndisturbed,
        double secondsDisturbed,
        long versions,
        SortedMap<String, String> modelDigests,
        List<String> differences,
        boolean identical,
        boolean verified,
        List<Crash> crashes) {
    private static final ObjectMapper JSON = new ObjectMapper();

    public record Kills(long total, long taskManager, long jobManager, long broker) {}

    /** Null if nothing was killed. */
    public record Recovery(Double median, Double maximum) {
        static Recovery of(List<Crash> crashes) {
            List<Double> sorted = crashes.stream()
                    .map(Crash::seconds)
                    .filter(Objects::nonNull)
                    .sorted()
                    .toList();
            if (sorted.isEmpty()) {
                return new Recovery(null, null);
            }
            int half = sorted.size() / 2;
            double median = sorted.size() % 2 == 1 ? sorted.get(half) : (sorted.get(half - 1) + sorted.get(half)) / 2;
            return new Recovery(median, sorted.get(sorted.size() - 1));
        }
    }

    static DrillReport of(
            DrillSettings settings,
            DrillRun.Result calm,
            DrillRun.Result disturbed,
            Transcript transcript,
            SortedMap<String, String> digests,
            List<String> differences,
            boolean verified) {
        List<Crash> crashes = disturbed.crashes();
        return new DrillReport(
                settings.dataset().name(),
                settings.job().learner().optimizer().name(),
                settings.mode(),
                settings.examples(),
                transcript.scores().size(),
                transcript.deadLetters().size(),
                settings.partitions(),
                settings.taskManagers(),
                settings.job().parallelism(),
                settings.seed(),
                new Kills(
                        crashes.size(),
                        count(crashes, Victim.TASK_MANAGER),
                        count(crashes, Victim.JOB_MANAGER),
                        count(crashes, Victim.BROKER)),
                settings.brokerDown().toMillis() / 1e3,
                disturbed.restores(),
                Recovery.of(crashes),
                calm.seconds(),
                disturbed.seconds(),
                transcript.versions().size(),
                digests,
                differences,
                differences.isEmpty(),
                verified,
                crashes);
    }

    private static long count(List<Crash> crashes, Victim victim) {
        return crashes.stream().filter(crash -> crash.victim() == victim).count();
    }

    /** One line. */
    public String json() {
        try {
            return JSON.writeValueAsString(this) + System.lineSeparator();
        } catch (JsonProcessingException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A few lines for a reader. */
    public String text() {
        StringBuilder text = new StringBuilder();
        line(text, "examples", "%,d scored, %,d rejected", scored, rejected);
        line(text, "models", "%d, %,d versions published", modelDigests.size(), versions);
        line(text, "seconds", "%.1f undisturbed, %.1f disturbed", secondsUndisturbed, secondsDisturbed);
        line(
                text,
                "kills",
                "%d: %d TaskManagers, %d JobManagers, %d brokers%s",
                kills.total,
                kills.taskManager,
                kills.jobManager,
                kills.broker,
                secondsBrokerDown > 0 && kills.broker > 0
                        ? String.format(Locale.ROOT, ", away for %.0f s", secondsBrokerDown)
                        : "");
        line(text, "restores", "%d", restores);
        if (secondsToRecover.median != null) {
            line(text, "recovery", "median %.1f s, longest %.1f s", secondsToRecover.median, secondsToRecover.maximum);
        }
        line(
                text,
                "identical",
                identical
                        ? mode.equals("ordered")
                                ? "yes: every version, score and dead letter, each exactly once"
                                : "yes: every example learned or rejected exactly once"
                        : "NO: " + String.join("; ", differences));
        line(
                text,
                "verified",
                verified ? "yes: learning again without Flink gives the same digests" : "NO: the digests differ");
        return text.toString();
    }

    private static void line(StringBuilder text, String name, String format, Object... values) {
        text.append(String.format(Locale.ROOT, "  %-10s ", name));
        text.append(String.format(Locale.ROOT, format, values)).append(System.lineSeparator());
    }
}
