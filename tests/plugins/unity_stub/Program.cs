// What the tests run: reads motions and messages, and plays one on a made-up figure; prints numbers, one row a line.
using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Threading;
using Maquette;
using UnityEngine;

public static class Program
{
    public static int Main(string[] arguments)
    {
        // A language whose decimal sign is a comma: the reader must not mind.
        Thread.CurrentThread.CurrentCulture = new CultureInfo("de-DE");
        string text = File.ReadAllText(arguments[1]);
        try
        {
            if (arguments[0] == "motion") ShowMotion(MaquetteMotion.Parse(text));
            if (arguments[0] == "message") ShowMessage(MaquetteMessage.Parse(text));
            if (arguments[0] == "figure") ShowFigure(MaquetteMotion.Parse(text), File.ReadAllLines(arguments[2]));
        }
        catch (MaquetteFormatException error) { Console.WriteLine("refused: " + error.Message); return 2; }
        return 0;
    }

    static void Row(params double[] numbers)
    {
        Console.WriteLine(string.Join(" ", Array.ConvertAll(numbers, n => n.ToString("R", CultureInfo.InvariantCulture))));
    }

    static void ShowMotion(MaquetteMotion motion)
    {
        Row(motion.FrameCount, motion.Joints.Length, motion.FramesPerSecond, motion.DurationS, motion.FrameAt(0.5));
        for (int i = 0; i < motion.FrameCount; i++)
        {
            Turn[] world = motion.Rotations == null ? null : motion.WorldRotations(i);
            for (int j = 0; j < motion.Joints.Length; j++)
            {
                Place p = motion.Positions[i][j];
                Turn q = world == null ? new Turn(0, 0, 0, 1) : world[j];
                Row(p.X, p.Y, p.Z, q.X, q.Y, q.Z, q.W);
            }
        }
    }

    static void ShowMessage(MaquetteMessage message)
    {
        Row(message.Frame, message.TimeS, message.Person, message.Root.X, message.Root.Y, message.Root.Z);
        foreach (var joint in message.Joints)
            Console.WriteLine(joint.Key + " " + joint.Value.X.ToString(CultureInfo.InvariantCulture) + " "
                + (message.Confidence.ContainsKey(joint.Key) ? message.Confidence[joint.Key] : -1));
    }

    // Each line: bone, parent bone, rest rotation x y z w in the world, place in the world.
    static void ShowFigure(MaquetteMotion motion, string[] lines)
    {
        var top = new GameObject { name = "figure" };
        top.transform.localPosition = new Vector3(1, 0, 2);
        top.transform.localRotation = new Quaternion(0, 0.6f, 0, 0.8f);
        var animator = top.AddComponent<Animator>();
        animator.isHuman = true;
        var skeleton = new List<SkeletonBone>();
        foreach (string line in lines)
        {
            string[] words = line.Split(' ');
            float[] n = Array.ConvertAll(words[2].Split(','), w => float.Parse(w, CultureInfo.InvariantCulture));
            var bone = (HumanBodyBones)Enum.Parse(typeof(HumanBodyBones), words[0]);
            var part = new GameObject { name = words[0] }.transform;
            part.name = words[0];
            part.SetParent(words[1] == "-" ? top.transform
                : animator.bones[(HumanBodyBones)Enum.Parse(typeof(HumanBodyBones), words[1])], false);
            part.rotation = top.transform.rotation * new Quaternion(n[0], n[1], n[2], n[3]);
            part.position = top.transform.TransformPoint(new Vector3(n[4], n[5], n[6]));
            skeleton.Add(new SkeletonBone { name = words[0], rotation = part.localRotation });
            animator.bones[bone] = part;
        }
        animator.avatar = new Avatar { humanDescription = new HumanDescription { skeleton = skeleton.ToArray() } };
        // The model itself was made in another pose than its avatar's T-pose.
        animator.bones[HumanBodyBones.LeftUpperArm].localRotation = new Quaternion(0.6f, 0, 0, 0.8f);
        var player = top.AddComponent<MaquettePlayer>();
        typeof(MaquettePlayer).GetMethod("Start", (System.Reflection.BindingFlags)36).Invoke(player, null);
        player.Play(motion);
        for (int i = 0; i < motion.FrameCount; i++)
        {
            player.Show(i);
            foreach (string line in lines)
            {
                Transform part = animator.bones[(HumanBodyBones)Enum.Parse(typeof(HumanBodyBones), line.Split(' ')[0])];
                Vector3 p = Quaternion.Inverse(top.transform.rotation) * (part.position - top.transform.position);
                Row(p.x, p.y, p.z);
            }
        }
    }
}
