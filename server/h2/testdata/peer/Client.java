// Java's HttpClient: java [-Djdk.httpclient....] Client.java URL
// It prints "ok NAME" or "not ok NAME: why" for each thing that it tries.

import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.Semaphore;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509TrustManager;

public class Client {
    interface Try { void run() throws Exception; }

    static String base;
    static HttpClient client;

    static HttpRequest.Builder to(String path) {
        return HttpRequest.newBuilder(URI.create(base + path)).timeout(Duration.ofSeconds(60));
    }

    static void want(Object got, Object want) {
        if (!got.equals(want)) throw new AssertionError("got " + got + ", want " + want);
    }

    static HttpResponse<String> get(String path) throws Exception {
        HttpResponse<String> r = client.send(to(path).build(), BodyHandlers.ofString());
        want(r.version(), HttpClient.Version.HTTP_2);
        want(r.statusCode(), 200);
        return r;
    }

    static String sha(byte[] data) throws Exception {
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(data));
    }

    public static void main(String[] args) throws Exception {
        base = args[0];
        TrustManager[] anyone = {new X509TrustManager() {
            public void checkClientTrusted(X509Certificate[] chain, String type) {}
            public void checkServerTrusted(X509Certificate[] chain, String type) {}
            public X509Certificate[] getAcceptedIssuers() { return new X509Certificate[0]; }
        }};
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, anyone, new SecureRandom());
        client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_2).sslContext(context).build();

        Map<String, Try> tests = new LinkedHashMap<>();
        tests.put("get", () -> want(get("/").body(), "hello, world\n"));
        tests.put("head", () -> {
            HttpResponse<String> r = client.send(to("/").method("HEAD", BodyPublishers.noBody()).build(), BodyHandlers.ofString());
            want(r.headers().firstValue("content-length").orElse(""), "13");
            want(r.body(), "");
        });
        tests.put("upload", () -> {
            byte[] body = new byte[8 << 20];
            new java.util.Random(1).nextBytes(body);
            HttpResponse<String> r = client.send(to("/upload").POST(BodyPublishers.ofByteArray(body)).build(), BodyHandlers.ofString());
            want(r.body(), body.length + " " + sha(body));
        });
        tests.put("download", () -> {
            HttpResponse<byte[]> r = client.send(to("/download").build(), BodyHandlers.ofByteArray());
            want(sha(r.body()), r.headers().firstValue("x-sha256").orElse(""));
        });
        tests.put("stream", () -> {
            // HttpClient gives an answer only when the request is sent; each way streams, of a length not told.
            byte[] word = "a word ".repeat(1000).getBytes();
            HttpResponse<InputStream> r = client.send(to("/echo").POST(BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(word))).build(), BodyHandlers.ofInputStream());
            want(new String(r.body().readAllBytes()), new String(word));
        });
        tests.put("many", () -> {
            // HttpClient fails what is above SETTINGS_MAX_CONCURRENT_STREAMS; so it is given no more.
            Semaphore room = new Semaphore(200);
            List<CompletableFuture<Void>> all = new ArrayList<>();
            for (int i = 0; i < 1000; i++) {
                room.acquire();
                all.add(client.sendAsync(to("/?" + i).build(), BodyHandlers.ofString())
                    .thenAccept(r -> want(r.body(), "hello, world\n")).whenComplete((v, e) -> room.release()));
            }
            for (CompletableFuture<Void> f : all) f.get();
        });
        tests.put("cancel", () -> {
            HttpResponse<InputStream> r = client.send(to("/wait").build(), BodyHandlers.ofInputStream());
            r.body().close();
            want(get("/cancelled").body(), "yes");
        });
        tests.put("push", () -> {
            ConcurrentMap<HttpRequest, CompletableFuture<HttpResponse<String>>> pushed = new ConcurrentHashMap<>();
            HttpResponse.PushPromiseHandler<String> handler = HttpResponse.PushPromiseHandler.of(r -> BodyHandlers.ofString(), pushed);
            HttpResponse<String> r = client.sendAsync(to("/page").build(), BodyHandlers.ofString(), handler).get();
            want(r.body(), "the page");
            List<String> got = new ArrayList<>();
            for (CompletableFuture<HttpResponse<String>> f : pushed.values()) got.add(f.get().body());
            got.sort(null);
            want(got, List.of("promised /promised/a", "promised /promised/b"));
        });
        tests.put("headers", () -> {
            for (int i = 0; i < 20; i++) {
                HttpResponse<String> r = client.send(to("/headers").header("x-big", "v".repeat(3000)).header("x-" + i % 3, "" + i).build(), BodyHandlers.ofString());
                want(r.headers().firstValue("x-big").orElse("").length(), 3000);
                want(r.headers().firstValue("x-" + i % 3).orElse(""), "" + i);
            }
        });
        boolean failed = false;
        for (Map.Entry<String, Try> test : tests.entrySet()) {
            try {
                test.getValue().run();
                System.out.println("ok " + test.getKey());
            } catch (Throwable err) {
                failed = true;
                System.out.println("not ok " + test.getKey() + ": " + err);
            }
        }
        System.exit(failed ? 1 : 0);
    }
}
