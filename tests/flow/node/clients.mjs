// Asks a running gateway through the clients from npm; prints what each heard, as JSON.
//     node clients.mjs ORIGIN KEY MODEL
import { createAnthropic } from "@ai-sdk/anthropic";
import { createGoogleGenerativeAI } from "@ai-sdk/google";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { embed, generateObject, generateText, jsonSchema, streamText, tool } from "ai";
import OpenAI from "openai";
import { z } from "zod";

const [origin, apiKey, model] = process.argv.slice(2);
const client = new OpenAI({ baseURL: `${origin}/v1`, apiKey, maxRetries: 0 });
const heard = {};
globalThis.AI_SDK_LOG_WARNINGS = false;

const lookUp = {
  name: "look_up",
  description: "Looks something up",
  parameters: {
    type: "object",
    properties: { what: { type: "string" } },
    required: ["what"],
    additionalProperties: false,
  },
};
const ASK = "[[tools]] use the tool";
const HELLO = "[[hello]] Say hello";

async function note(name, ask) {
  try {
    heard[name] = await ask();
  } catch (error) {
    heard[name] = { failed: `${error.name}: ${error.message}` };
  }
}

// --- the openai package

await note("openai chat", async () => {
  const answer = await client.chat.completions.create({
    model,
    messages: [{ role: "user", content: HELLO }],
  });
  const { content } = answer.choices[0].message;
  return { text: content, finish: answer.choices[0].finish_reason, ...answer.usage };
});

await note("openai stream", async () => {
  const stream = client.chat.completions.stream({
    model,
    messages: [{ role: "user", content: HELLO }],
    stream_options: { include_usage: true },
  });
  const answer = await stream.finalChatCompletion();
  const { content } = answer.choices[0].message;
  return { text: content, finish: answer.choices[0].finish_reason, ...answer.usage };
});

await note("openai tools", async () => {
  const stream = client.chat.completions.stream({
    model,
    messages: [{ role: "user", content: ASK }],
    tools: [{ type: "function", function: lookUp }],
  });
  const answer = await stream.finalChatCompletion();
  const call = answer.choices[0].message.tool_calls[0];
  return { name: call.function.name, input: JSON.parse(call.function.arguments) };
});

await note("openai responses", async () => {
  const stream = client.responses.stream({ model, input: HELLO });
  const answer = await stream.finalResponse();
  return { text: answer.output_text, status: answer.status };
});

await note("openai error", async () => {
  try {
    await client.chat.completions.create({ model: "nobody", messages: [] });
  } catch (error) {
    return { kind: error.constructor.name, status: error.status, code: error.code };
  }
});

// --- the AI SDK, by each of its providers that speaks a dialect of ours

const providers = {
  chat: createOpenAI({ baseURL: `${origin}/v1`, apiKey }).chat(model),
  responses: createOpenAI({ baseURL: `${origin}/v1`, apiKey }).responses(model),
  compatible: createOpenAICompatible({
    name: "routeiq",
    baseURL: `${origin}/v1`,
    apiKey,
    includeUsage: true,
    supportsStructuredOutputs: true,
  })(model),
  anthropic: createAnthropic({ baseURL: `${origin}/anthropic/v1`, apiKey })(model),
  google: createGoogleGenerativeAI({ baseURL: `${origin}/v1beta`, apiKey })(model),
};
const tools = {
  look_up: tool({
    description: lookUp.description,
    inputSchema: jsonSchema(lookUp.parameters),
  }),
};

for (const [name, asked] of Object.entries(providers)) {
  await note(`ai ${name} text`, async () => {
    const { text, finishReason, usage } = await generateText({
      model: asked,
      prompt: HELLO,
    });
    return { text, finish: finishReason, tokens: usage.inputTokens > 0 };
  });
  await note(`ai ${name} stream`, async () => {
    let failed = null;
    const result = streamText({
      model: asked,
      prompt: HELLO,
      onError: ({ error }) => {
        failed = error;
      },
    });
    let text = "";
    for await (const piece of result.textStream) text += piece;
    if (failed) throw failed;
    const usage = await result.usage;
    const finish = await result.finishReason;
    return { text, finish, tokens: usage.outputTokens > 0 };
  });
  await note(`ai ${name} tools`, async () => {
    const { toolCalls } = await generateText({ model: asked, prompt: ASK, tools });
    return { name: toolCalls[0].toolName, input: toolCalls[0].input };
  });
  await note(`ai ${name} object`, async () => {
    const { object } = await generateObject({
      model: asked,
      prompt: "[[object]] Make one",
      schema: z.object({ city: z.string(), year: z.number() }),
    });
    return object;
  });
}

await note("ai embed", async () => {
  const vectors = createOpenAI({ baseURL: `${origin}/v1`, apiKey });
  const { embedding } = await embed({
    model: vectors.textEmbeddingModel(process.argv[5]),
    value: "a text",
  });
  return { size: embedding.length };
});

console.log(JSON.stringify(heard));
