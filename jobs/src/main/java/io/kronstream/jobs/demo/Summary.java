// SPDX-License-Identifier: Apache-2.0
package io.kronstream.jobs.demo;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import io.kronstream.connectors.model.ModelManifest;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SortedMap;

/**
 * What a run came to. Its components are the keys of its JSON form; numbers that do not exist are null there.
 *
 * @param dataset what was learned from
 * @param examples records that models took
 * @param steps optimizer steps of all models
 * @param seconds between the first and the last example that was learned, restarts included
 * @param examplesPerSecond examples by seconds
 * @param optimizer its name
 * @param learningRate its step size
 * @param batch examples of a mini-batch
 * @param lag steps between asking for a refresh and using it
 * @param parallelism subtasks of every operator
 * @param seed of the stream and of the initial parameters
 * @param metric how good the model was
 * @param baseline how good the better naive predictor was
 * @param bestPossible the best accuracy that anyone can reach, where it is known
 * @param refreshes how eigenbases were refreshed
 * @param checkpoints that completed
 * @param restores how often the job went back to one
 * @param modelVersion newest version; of several models the highest
 * @param rejected dead letters
 * @param fingerprint of the numerics
 * @param modelDigest SHA-256 over final parameters and optimizer state; of several models over their ids and digests
 * @param verified whether learning again without Flink gave the same digests
 * @param models each of them, when there are several
 */
public record Summary(
        String dataset,
        long examples,
        long steps,
        double seconds,
        Double examplesPerSecond,
        String optimizer,
        double learningRate,
        int batch,
        int lag,
        int parallelism,
        long seed,
        Quality metric,
        Quality baseline,
        @JsonInclude(JsonInclude.Include.NON_NULL) Double bestPossible,
        Refreshes refreshes,
        long checkpoints,
        long restores,
        long modelVersion,
        long rejected,
        String fingerprint,
        String modelDigest,
        boolean verified,
        @JsonInclude(JsonInclude.Include.NON_EMPTY) List<Model> models) {

    private static final ObjectMapper JSON = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

    /**
     * @param name of the metric, and in a baseline of the predictor
     * @param wholeRun the metric over all examples
     * @param lastQuarter the metric over the last quarter of them
     * @param all all metrics of the task over all examples
     */
    public record Quality(String name, Double wholeRun, Double lastQuarter, Map<String, Double> all) {}

    /**
     * @param remote asked for and answered by another operator
     * @param inline computed where the model is
     * @param skipped not needed, as the old basis still fitted
     * @param failed decompositions that did, so that the old basis stayed
     * @param late for which a model had to wait
     */
    public record Refreshes(long remote, long inline, long skipped, long failed, long late) {}

    /** One of several models. */
    public record Model(String model, long version, long step, long examples, String modelDigest, boolean verified) {}

    /** One digest for all models: the model's own if there is one. */
    static String digest(SortedMap<String, ModelManifest> versions) {
        if (versions.size() == 1) {
            return versions.get(versions.firstKey()).modelDigest();
        }
        MessageDigest digest;
        try {
            digest = MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("Every Java platform has SHA-256", e);
        }
        versions.forEach((model, version) ->
                digest.update((model + " " + version.modelDigest() + "\n").getBytes(StandardCharsets.UTF_8)));
        return HexFormat.of().formatHex(digest.digest());
    }

    /** The number, or null where there is none. */
    static Double orNull(double value) {
        return Double.isFinite(value) ? value : null;
    }

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
        line(text, "examples", "%,d in %.1f s, %,.0f per second", examples, seconds, examplesPerSecond);
        line(text, "steps", "%,d of %s at learning rate %s", steps, optimizer, learningRate);
        line(
                text,
                metric.name,
                "%s over the whole run, %s over its last quarter",
                number(metric.wholeRun),
                number(metric.lastQuarter));
        line(
                text,
                "  " + baseline.name,
                "%s over the whole run, %s over its last quarter",
                number(baseline.wholeRun),
                number(baseline.lastQuarter));
        if (bestPossible != null) {
            line(text, "  best possible", "%s accuracy", number(bestPossible));
        }
        line(
                text,
                "refreshes",
                "%,d remote, %,d inline, %,d skipped, %,d failed, %,d late",
                refreshes.remote,
                refreshes.inline,
                refreshes.skipped,
                refreshes.failed,
                refreshes.late);
        line(text, "checkpoints", "%,d; restores %d", checkpoints, restores);
        line(text, "rejected", "%,d records", rejected);
        if (models.isEmpty()) {
            line(text, "model", "version %d, %s", modelVersion, modelDigest);
        } else {
            line(text, "models", "%d, up to version %d, %s", models.size(), modelVersion, modelDigest);
        }
        line(
                text,
                "verified",
                verified ? "yes: learning again without Flink gives the same digest" : "NO: the digests differ");
        return text.toString();
    }

    private static String number(Double value) {
        return value == null ? "-" : String.format(Locale.ROOT, "%.4f", value);
    }

    private static void line(StringBuilder text, String name, String format, Object... values) {
        text.append(String.format(Locale.ROOT, "  %-16s ", name));
        text.append(String.format(Locale.ROOT, format, values)).append(System.lineSeparator());
    }
}
